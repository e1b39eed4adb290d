import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { errorWith, redactValue, scrub } from '../helpers.js';

describe('the name of a class', () => {
  const name = 'sk_live_0123456789';
  const named = <T extends new (...args: never[]) => object>(type: T): T =>
    Object.defineProperty(type, 'name', { value: name });
  const shows = (value: unknown): boolean => `${inspect(value, { depth: 5 })}${String(value)}`.includes(name);

  it('is not printed with an error, which stays the same object', () => {
    const error = new (named(class extends TypeError {}))('failed');
    expect(shows(error)).toBe(true);
    expect(scrub(error, [name])).toBe(error);
    expect(shows(error)).toBe(false);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('failed');
  });

  it('is not printed with an error that cannot be changed', () => {
    const error = Object.freeze(new (named(class extends RangeError {}))('failed'));
    const left = scrub(error, [name]);
    expect(left).toBeInstanceOf(RangeError);
    expect(shows(left)).toBe(false);
  });

  it.each<[string, () => object]>([
    ['an object', () => new (named(class { readonly a = 1; }))()],
    ['a live object', () => new (named(class { on(): void {} emit(): void {} }))()],
    ['an object with private fields', () => new (named(class { #a = 1; get a(): number { return this.#a; } }))()],
    ['a promise', () => new (named(class extends Promise<number> {}))((resolve) => void resolve(1))],
    ['a Map', () => new (named(class extends Map {}))()],
    ['a list', () => new (named(class extends Array {}))()],
    ['bytes', () => new (named(class extends Uint8Array {}))(8)],
    ['many bytes', () => new (named(class extends Uint8Array {}))(10_000)],
    ['a Date', () => new (named(class extends Date {}))(0)],
    ['a URL', () => new (named(class extends URL {}))('http://h/')],
    ['a class', () => named(class { readonly a = 1; })],
    ['a function', () => Object.defineProperty(() => 1, 'name', { value: name })],
    ['an object tagged so', () => ({ [Symbol.toStringTag]: name })],
    ['a live object tagged so', () => ({ on: () => 1, emit: () => 1, [Symbol.toStringTag]: name, __proto__: {} })],
  ])('is not printed: %s', (_name, make) => {
    const value = make();
    expect(shows(value)).toBe(true);
    expect(shows(redactValue({ value }, [name]))).toBe(false);
    expect(shows(scrub(errorWith(value), [name]))).toBe(false);
  }); // prettier-ignore
});
