import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import { isError, isObjectPrototype, tryOrUndefined, readProperty } from '../../../src/core/util/safe-access.js';

const fail = (): never => {
  throw new Error('not for you');
};

describe('an attempt', () => {
  it('gives what the action gives, and nothing when that throws', () => {
    expect(tryOrUndefined(() => 'gold')).toBe('gold');
    expect(tryOrUndefined(fail)).toBeUndefined();
  });
});

describe('a guarded read', () => {
  it('gives the property, own or inherited, stored or made', () => {
    const holder = Object.assign(Object.create({ base: 'USD' }) as object, { get: () => 0 });
    Object.defineProperty(holder, 'price', { get: () => 2_000 });
    expect([readProperty(holder, 'base'), readProperty(holder, 'price'), readProperty(holder, 'none')]).toEqual([
      'USD',
      2_000,
      undefined,
    ]);
  });

  it('gives nothing when the getter throws', () => {
    expect(readProperty(Object.defineProperty({}, 'price', { get: fail }), 'price')).toBeUndefined();
    expect(readProperty(new Proxy({}, { get: fail }), 'price')).toBeUndefined();
  });
});

describe('an error', () => {
  it('is one of any realm, or what inherits from one, and nothing that looks like it', () => {
    const errors = [new TypeError('a'), vm.runInNewContext('new Error("b")'), Object.create(Error.prototype)];
    const others = [undefined, 'Error', { name: 'Error', message: 'c' }];
    expect([...errors, ...others].map(isError)).toEqual([true, true, true, false, false, false]);
  });
});

describe('the prototype of every object', () => {
  it('is one of any realm, and nothing else, though it has no prototype or looks like it', () => {
    const prototypes = [Object.prototype, vm.runInNewContext('Object.prototype') as object];
    const others = [Object.create(null) as object, {}, { isPrototypeOf: 1 }, Array.prototype, Object.create(Object.prototype)];
    expect([...prototypes, ...others].map((value) => isObjectPrototype(value as object))).toEqual([
      true, true, false, false, false, false, false,
    ]);
  }); // prettier-ignore
});
