import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { REDACTED, redactValue, scrub, scrubbed } from '../helpers.js';
import { photograph } from '../snapshot.js';

const failure = (): Error => new Error(`failed with ${KEY}`);

const fixed = <T extends object>(target: T, name: PropertyKey, descriptor: PropertyDescriptor): T =>
  Object.defineProperty(target, name, { configurable: false, ...descriptor });

describe('an error of which one property holds the key', () => {
  it('keeps every other property as it is, the accessors and the fixed ones too', () => {
    const error = failure();
    const get = (): string => 'clean';
    fixed(error, 'id', { value: 'r-1', enumerable: true });
    Object.defineProperty(error, 'got', { get, configurable: true });
    Object.defineProperty(error, 'count', { value: 1, writable: true, configurable: true });
    const before = Object.getOwnPropertyDescriptors(error) as unknown as Record<string, PropertyDescriptor>;

    const left = scrubbed(error);

    expect(left).toBe(error);
    for (const name of ['id', 'got', 'count']) {
      expect(Object.getOwnPropertyDescriptor(left, name), name).toEqual(before[name]);
    }
  });

  it('gets no property that it has not had', () => {
    class Failure extends Error {
      get status(): number {
        return 503;
      }
      get url(): string {
        return '/p';
      }
    }
    const error = new Failure(KEY);
    const names = Reflect.ownKeys(error);
    expect(Reflect.ownKeys(scrubbed(error))).toEqual(names);
  });

  it('has it writable and configurable afterwards, as it was', () => {
    const left = scrubbed(failure());
    expect(Object.getOwnPropertyDescriptor(left, 'message')).toEqual({
      value: `failed with ${REDACTED}`,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  });

  it('may have a number among the others that is none', () => {
    const error = Object.freeze(Object.assign(new Error('clean'), { left: Number.NaN, details: { left: Number.NaN } }));
    const changes = photograph(error);
    expect(scrub(error, [KEY])).toBe(error);
    expect(redactValue(error, [KEY])).toBe(error);
    expect(redactValue({ left: Number.NaN, list: [-0] }, [KEY])).toEqual({ left: Number.NaN, list: [-0] });
    expect(changes()).toEqual([]);
  });
});

describe('a getter of its class that gives the key', () => {
  class Private extends Error {
    readonly #url = `/p?k=${KEY}`;
    readonly #attempts = 3;
    get url(): string {
      return this.#url;
    }
    get attempts(): number {
      return this.#attempts;
    }
    reveal(): string {
      return this.#url;
    }
  }

  it('makes the error leave as a copy, which its class can no longer make tell', () => {
    const error = new Private('failed');
    const left = scrubbed(error);
    expect(left).not.toBe(error);
    expect(left.url).toBe(`/p?k=${REDACTED}`);
    expect(() => left.reveal()).toThrow(TypeError);
  });

  it('leaves what the other getters give readable, out of sight of a listing', () => {
    const left = scrubbed(new Private('failed'));
    expect(left.attempts).toBe(3);
    expect(Object.keys(left)).toEqual([]);
  });
});

describe('a property that is named like the key', () => {
  it('is renamed on an error in place', () => {
    const error = Object.assign(new Error('failed'), { [KEY]: 1 });
    expect(scrubbed(error)).toBe(error);
    expect(Object.keys(error)).toEqual([REDACTED]);
  });

  it('makes an error that takes no more properties leave as a copy', () => {
    const error = Object.preventExtensions(Object.assign(new Error('failed'), { [KEY]: 1 }));
    const left = scrubbed(error);
    expect(left).not.toBe(error);
    expect(left).toHaveProperty([REDACTED], 1);
  });

  it('and cannot be taken away makes an error leave as a copy', () => {
    const error = fixed(new Error('failed'), KEY, { value: 1, writable: true, enumerable: true });
    const left = scrubbed(error);
    expect(left).not.toBe(error);
    expect(left).toHaveProperty([REDACTED], 1);
  });
});

describe('a stack behind an accessor', () => {
  const withStack = (set?: (value: string) => void, get?: () => string): Error =>
    fixed(new Error('failed'), 'stack', { ...(get && { get }), ...(set && { set }) });

  it('that takes what it is given is set, and stays an accessor', () => {
    let stack = `Error: ${KEY}`;
    const error = withStack(
      (value) => void (stack = value),
      () => stack,
    );
    const left = scrubbed(error);
    expect(left).toBe(error);
    expect(stack).toBe(`Error: ${REDACTED}`);
    expect(Object.getOwnPropertyDescriptor(left, 'stack')?.get).toBeDefined();
  });

  it('that could be redefined is set all the same', () => {
    let stack = `Error: ${KEY}`;
    const error = new Error('failed');
    const accessor = { get: () => stack, set: (value: string) => void (stack = value), configurable: true };
    Object.defineProperty(error, 'stack', accessor);
    expect(scrubbed(error)).toBe(error);
    expect(stack).toBe(`Error: ${REDACTED}`);
  });

  it('that ignores what it is given makes the error leave as a copy', () => {
    const error = withStack(
      () => undefined,
      () => `Error: ${KEY}`,
    );
    const left = scrubbed(error);
    expect(left).not.toBe(error);
    expect(left.stack).toBe(`Error: ${REDACTED}`);
  });

  it('that takes nothing makes the error leave as a copy', () => {
    const error = withStack(undefined, () => `Error: ${KEY}`);
    const left = scrubbed(error);
    expect(left).not.toBe(error);
    expect(left.stack).toBe(`Error: ${REDACTED}`);
  });

  it('of another name is not taken for one', () => {
    let trace = `Error: ${KEY}`;
    const accessor = { get: () => trace, set: (value: string) => void (trace = value) };
    const error = fixed(new Error('failed'), 'trace', accessor);
    const left = scrubbed(error) as Error & { trace: string };
    expect(left).not.toBe(error);
    expect(left.trace).toBe(`Error: ${REDACTED}`);
    expect(trace, 'what the accessor reads is not touched').toBe(`Error: ${KEY}`);
  });
});

describe('a chain of errors of which one cannot be changed', () => {
  it('is replaced by copies as far up as nothing can be changed, and no further', () => {
    const root = Object.freeze(failure());
    const below = Object.freeze(new Error('below', { cause: root }));
    const middle = Object.freeze(new Error('middle', { cause: below }));
    const top = new Error('top', { cause: middle });

    const left = scrubbed(top);

    expect(left).toBe(top);
    const [copy, deeper] = [left.cause as Error, (left.cause as Error).cause as Error];
    expect([copy.message, deeper.message, (deeper.cause as Error).message]).toEqual([
      'middle',
      'below',
      `failed with ${REDACTED}`,
    ]);
    expect(copy).not.toBe(middle);
    expect(middle.cause).toBe(below);
  });

  it('leaves a changeable error above it the same, though nothing else there held the key', () => {
    const top = new Error('top', { cause: new Error('middle', { cause: Object.freeze(failure()) }) });
    const middle = top.cause;
    expect(scrubbed(top)).toBe(top);
    expect(top.cause).toBe(middle);
    expect((middle as Error).cause).toHaveProperty('message', `failed with ${REDACTED}`);
  });
});
