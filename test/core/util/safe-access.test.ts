import { describe, expect, it } from 'vitest';
import { attempt, read } from '../../../src/core/util/safe-access.js';

const fail = (): never => {
  throw new Error('not for you');
};

describe('an attempt', () => {
  it('gives what the action gives, and nothing when that throws', () => {
    expect(attempt(() => 'gold')).toBe('gold');
    expect(attempt(fail)).toBeUndefined();
  });
});

describe('a guarded read', () => {
  it('gives the property, own or inherited, stored or made', () => {
    const holder = Object.assign(Object.create({ base: 'USD' }) as object, { get: () => 0 });
    Object.defineProperty(holder, 'price', { get: () => 2_000 });
    expect([read(holder, 'base'), read(holder, 'price'), read(holder, 'none')]).toEqual(['USD', 2_000, undefined]);
  });

  it('gives nothing when the getter throws', () => {
    expect(read(Object.defineProperty({}, 'price', { get: fail }), 'price')).toBeUndefined();
    expect(read(new Proxy({}, { get: fail }), 'price')).toBeUndefined();
  });
});
