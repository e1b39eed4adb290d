import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { PLAIN, SPECIAL as KEY } from './encodings.js';
import { errorWith, NOT_SEARCHED, REDACTED, redacted, redactValue, scrub, scrubbed } from './helpers.js';
import { allLeaks } from './leaks.js';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** What loggers do with a value. Throws if one of them does. */
const print = (value: unknown): string =>
  [
    inspect(value),
    inspect(value, { showHidden: true, getters: true, depth: 10 }),
    JSON.stringify(value),
    String(value),
    `${String((value as { name?: unknown }).name)}`,
  ].join('\n');

/** Prints what leaves, which must neither throw nor show the key. */
const printed = (left: unknown): string => {
  const text = print(left);
  expect(text).not.toContain(KEY);
  expect(allLeaks(left, KEY)).toEqual([]);
  return text;
};

class Told extends Error {
  readonly #key = KEY;
  readonly status = 401;
  toJSON(): object {
    return { status: this.status, key: this.#key };
  }
  [INSPECT](): string {
    return `Told(${this.#key})`;
  }
  override toString(): string {
    return `Told: ${this.#key}`;
  }
}

describe('an error whose class prints the key that it keeps private', () => {
  it('leaves as a copy that prints everything else', () => {
    const error = new Told('failed');
    const left = scrub(error, [KEY]) as Told;

    const text = printed(left);

    expect(left).not.toBe(error);
    expect(left).toBeInstanceOf(Told);
    expect(left.message).toBe('failed');
    expect(JSON.parse(JSON.stringify(left))).toEqual({ status: 401, key: REDACTED });
    expect(text).toContain(`Told(${REDACTED})`);
    expect(String(left)).toBe(`Told: ${REDACTED}`);
  });

  it('prints nothing of it when it is somewhere on another error, frozen, or in a list', () => {
    printed(scrub(errorWith({ deep: [new Told('failed')] }), [KEY]));
    printed(scrub(new Error('top', { cause: new Told('failed') }), [KEY]));
    printed(scrub(Object.freeze(new Told('failed')), [KEY]));
    printed(scrub(new AggregateError([new Told('failed'), new Told('again')]), [KEY]));
    printed(redactValue({ error: new Told('failed') }, [KEY]));
  });
});

describe('an error with a method of its own that prints the key', () => {
  it.each<[string, PropertyKey, () => unknown]>([
    ['toJSON', 'toJSON', () => ({ key: KEY, status: 401 })],
    ['toJSON, deep down', 'toJSON', () => ({ list: [new Map([['key', KEY]])], toJSON: () => KEY })],
    ['inspect.custom', INSPECT, () => `<${KEY}>`],
    ['inspect.custom, an object', INSPECT, () => ({ key: KEY })],
    ['toString', 'toString', () => `Error: ${KEY}`],
    ['valueOf', 'valueOf', () => KEY],
    ['Symbol.toPrimitive', Symbol.toPrimitive, () => KEY],
  ])('stays the same object, and prints the rest: %s', (_name, name, method) => {
    const error = Object.assign(new Error('failed'), { [name]: method });
    const left = scrub(error, [KEY]);
    expect(left).toBe(error);
    printed(left);
  });

  it('or of its class, leaves as the same object, as long as it can be covered', () => {
    class Telling extends Error {
      toJSON(): object {
        return { key: KEY };
      }
    }
    const error = new Telling('failed');
    expect(scrub(error, [KEY])).toBe(error);
    expect(JSON.stringify(error)).toBe(JSON.stringify({ key: REDACTED }));
    const frozen = Object.freeze(new Telling('failed'));
    expect(scrub(frozen, [KEY])).not.toBe(frozen);
    printed(scrub(frozen, [KEY]));
  });

  it('leaves as a copy that prints nothing of it if nothing on it can be changed, its message neither', () => {
    class Telling extends Error {
      toJSON(): object {
        return { key: KEY };
      }
    }
    const left = scrub(Object.freeze(new Telling(`failed with ${KEY}`)), [KEY]) as Telling;
    printed(left);
    expect(left).toBeInstanceOf(Telling);
    expect(left.toJSON()).toEqual({ key: REDACTED });
    expect(left.message).toBe(`failed with ${REDACTED}`);
  });

  it('and a property that is named like the key has that renamed once', () => {
    const error = Object.assign(new Error('failed'), { [KEY]: 1, toJSON: () => KEY });
    expect(scrub(error, [KEY])).toBe(error);
    expect(Object.keys(error)).toEqual([REDACTED]);
    printed(error);
  });

  it('leaves as a copy if the method cannot be replaced', () => {
    const error = Object.defineProperty(new Error('failed'), 'toJSON', { value: () => ({ key: KEY }) });
    const left = scrub(error, [KEY]);
    expect(left).not.toBe(error);
    expect(left).toBeInstanceOf(Error);
    printed(left);
  });

  it('keeps the method if it is clean, or becomes clean with the rest', () => {
    const clean = Object.assign(new Error(`failed with ${KEY}`), { toJSON: () => ({ status: 401 }) });
    const { toJSON } = clean;
    expect(scrub(clean, [KEY])).toBe(clean);
    expect(clean.toJSON).toBe(toJSON);

    class Configured extends Error {
      readonly config = { key: KEY };
      toJSON(): object {
        return { config: this.config };
      }
    }
    const error = new Configured('failed');
    expect(scrub(error, [KEY])).toBe(error);
    expect(Object.hasOwn(error, 'toJSON')).toBe(false);
    expect(JSON.stringify(error)).toBe(JSON.stringify({ config: { key: REDACTED } }));
  });

  it('is asked again only so often when what it prints prints itself', () => {
    let calls = 0;
    const endless = (): object => ({
      toJSON: () => {
        calls++;
        return endless();
      },
    });
    const error = Object.assign(new Error(KEY), endless());
    expect(scrub(error, [KEY])).toBe(error);
    expect(calls).toBeGreaterThan(1);
    expect(calls).toBeLessThan(200);
  });
});

describe('a method that prints', () => {
  it('is called as what prints would call it', () => {
    const asked: unknown[][] = [];
    const noted = (...args: unknown[]): string => {
      asked.push(args);
      return 'gold';
    };
    redactValue({ key: KEY, toJSON: noted, [INSPECT]: noted, [Symbol.toPrimitive]: noted }, [KEY]);
    const options = expect.objectContaining({ stylize: expect.any(Function) as unknown, depth: 2 }) as unknown;
    expect(asked).toEqual([[''], [2, options, inspect], ['string']]);
  });

  it('is covered by one that does not show in a listing, and can be replaced', () => {
    const error = scrub(Object.assign(new Error('failed'), { toJSON: () => ({ key: KEY }) }), [KEY]) as Error;
    const { value, ...flags } = Object.getOwnPropertyDescriptor(error, 'toJSON') as { value: () => unknown };
    expect(value()).toEqual({ key: REDACTED });
    expect(flags).toEqual({ enumerable: false, writable: true, configurable: true });
  });

  it('is that of every object when its own throws on the copy', () => {
    const whole = new WeakSet<object>();
    const refuse = function (this: object): string {
      if (!whole.has(this)) throw new TypeError('this is a copy');
      return 'gold';
    };
    const proto = { toJSON: refuse, toString: refuse, valueOf: refuse, [Symbol.toPrimitive]: refuse };
    const make = <T extends object>(value: T): T & typeof proto => {
      whole.add(Object.setPrototypeOf(value, Object.assign(Object.create(Object.getPrototypeOf(value) as object) as object, proto)) as object);
      return value as T & typeof proto;
    }; // prettier-ignore
    const copy = redacted(make({ key: KEY }));
    expect(JSON.stringify(copy)).toBe(JSON.stringify({ key: REDACTED }));
    expect([copy.toString(), copy.valueOf() as unknown]).toEqual(['[object Object]', copy]);
    expect(copy[Symbol.toPrimitive]).toBeUndefined();
    for (const kept of [make(new Map([[1, KEY]])), make(new Set([KEY]))]) {
      expect(JSON.stringify(redactValue(kept, [KEY]))).toBe('{}');
    }
    expect(Object.freeze(make(new TypeError(KEY))).toString()).toBe('gold');
    expect(redacted(Object.freeze(make(new TypeError(KEY)))).toString()).toBe(`TypeError: ${REDACTED}`);
  });

  it('is none if it is no method: a property of such a name is copied as any other', () => {
    const value = { key: KEY, toJSON: 'gold', valueOf: 2, toString: null };
    expect(Object.entries(redactValue(value, [KEY]))).toEqual(Object.entries({ ...value, key: REDACTED }));
  });

  it('is none of those that every object has', () => {
    class Config {
      readonly key = KEY;
    }
    const [config, query] = [new Config(), Object.assign(new URLSearchParams({ key: KEY }), { note: KEY })];
    for (const value of [config, [KEY], new Error(KEY), new Map([[1, KEY]]), new Set([KEY]), query]) {
      const names = Reflect.ownKeys(redacted<object>(value));
      expect(names.filter((name) => !['0', 'length', 'key', 'stack', 'message'].includes(String(name)))).toEqual([]);
    }
  });
});

describe('an object whose methods show what they keep elsewhere', () => {
  const kept = new WeakMap<object, string>();
  class Weak {
    constructor() {
      kept.set(this, KEY);
    }
    toJSON(): string {
      // Throws on a copy.
      return (kept.get(this) as string).trim();
    }
    [INSPECT](): string {
      return (kept.get(this) as string).trim();
    }
    toString(): string {
      return (kept.get(this) as string).trim();
    }
    get [Symbol.toStringTag](): string {
      return `Weak${(kept.get(this) as string).length}`;
    }
  }

  it('gives way to a copy that prints without the key', () => {
    for (const value of [new Weak(), [new Weak()], new Map([['a', new Weak()]])]) {
      expect(print([value, ...(value instanceof Map ? value.values() : [])])).toContain(KEY);
      printed(redactValue({ value }, [KEY]));
      printed(scrub(errorWith(value), [KEY]));
    }
  });

  it('does so when it throws on a copy that is made for another reason', () => {
    class Strict {
      readonly key = KEY;
      readonly length: number;
      constructor() {
        kept.set(this, 'nothing');
        this.length = 1;
      }
      toJSON(): object {
        return { kept: (kept.get(this) as string).trim() };
      }
      [INSPECT](): string {
        return (kept.get(this) as string).trim();
      }
      get base(): string {
        return (kept.get(this) as string).trim();
      }
    }
    const copy = redacted(new Strict());
    printed(copy);
    expect(JSON.parse(JSON.stringify(copy))).toEqual({ key: REDACTED, length: 1 });
  });

  it.each<[string, () => object]>([
    ['a Map', () => new Map([['a', 1]])],
    ['a Set', () => new Set([1])],
    ['an array', () => [1, 2]],
    ['a Date', () => new Date(0)],
    ['a URL', () => new URL('http://h/')],
    ['a URLSearchParams', () => new URLSearchParams('a=b')],
    ['a Headers', () => new Headers({ a: 'b' })],
    ['a Buffer', () => Buffer.from('bytes')],
    ['a large Buffer', () => Buffer.alloc(10_000)],
    ['a Uint8Array', () => new Uint8Array(8)],
    ['an ArrayBuffer', () => new ArrayBuffer(8)],
    ['a RegExp', () => /a/],
    ['a text in an object', () => new String('text')],
    ['a function', () => () => 1],
    ['an object', () => ({ a: 1 })],
    ['an object without a prototype', () => Object.create(null) as object],
  ])('is found whatever it is: %s with toJSON or inspect.custom', (_name, make) => {
    for (const name of ['toJSON', INSPECT]) {
      const value = Object.assign(make(), { [name]: () => PLAIN });
      const shown = (held: unknown): string => `${inspect(held)}${JSON.stringify(held)}`;
      expect(shown({ value })).toContain(PLAIN);
      expect(shown(redactValue({ value }, [PLAIN]))).not.toContain(PLAIN);
      expect(shown(scrub(errorWith(value), [PLAIN]))).not.toContain(PLAIN);
    }
  });
});

describe('a getter', () => {
  it('that throws does not make the copy throw when it is printed', () => {
    const value = {
      key: KEY,
      get bad(): string {
        throw new Error('not now');
      },
    };
    expect(JSON.parse(JSON.stringify(redacted(value)))).toEqual({ key: REDACTED });
  });

  it('that throws the key gives way to a mark, on an error too', () => {
    const get = (): string => {
      throw new Error(KEY);
    };
    const error = Object.defineProperty(new Error('failed'), 'bad', { get, configurable: true, enumerable: true });
    expect(scrub(error, [KEY])).toBe(error);
    expect(error).toHaveProperty('bad', NOT_SEARCHED);
    const method = Object.assign(new Error('failed'), { toJSON: get });
    expect(scrub(method, [KEY])).toBe(method);
    expect(JSON.stringify(method)).toBe(JSON.stringify(NOT_SEARCHED));
  });

  it('that throws something else stays on an error as it is', () => {
    const get = (): string => {
      throw new Error('not now');
    };
    const error = Object.defineProperty(new Error('failed'), 'bad', { get });
    expect(scrub(error, [KEY])).toBe(error);
    expect(Object.getOwnPropertyDescriptor(error, 'bad')).toHaveProperty('get', get);
  });

  it.each([Symbol.toStringTag, 'constructor', 'name', 'message', 'stack', 'cause', 'errors'])(
    'of a class that throws on the copy does not when it is printed: %s',
    (name) => {
      const whole = new WeakSet<object>();
      const proto = Object.defineProperty({}, name, {
        get(this: object) {
          if (!whole.has(this)) throw new TypeError('this is a copy');
          return 'gold';
        },
      });
      const value = Object.assign(Object.create(proto) as Record<PropertyKey, unknown>, { key: KEY });
      whole.add(value);
      expect(value[name]).toBe('gold');
      expect(redacted(value)[name]).toBeUndefined();
    },
  );

  it('that throws on the copy alone gives way to its value', () => {
    const seen = new WeakMap<object, string>();
    const value = Object.defineProperty({ key: KEY }, 'base', {
      enumerable: true,
      get(this: object) {
        return (seen.get(this) as string).trim();
      },
    });
    seen.set(value, 'USD');
    expect(JSON.parse(JSON.stringify(redacted(value)))).toEqual({ key: REDACTED, base: 'USD' });
  });
});

describe('bytes with properties of their own', () => {
  it.each([8, 4_096, 4_097, 100_000])('are searched for them: %d bytes', (length) => {
    for (const make of [(): Uint8Array => Buffer.alloc(length), () => new Uint8Array(length)]) {
      for (const define of [
        (value: object) => Object.assign(value, { config: { key: KEY } }),
        (value: object) => Object.assign(value, { [Symbol('s')]: KEY }),
        (value: object) => Object.defineProperty(value, 'hidden', { value: KEY }),
        (value: object) => Object.assign(value, { [KEY]: 1 }),
      ]) {
        const error = errorWith(define(make()));
        const left = scrub(error, [KEY]);
        expect(left).toBe(error);
        printed(left);
        expect(inspect(left, { showHidden: true, depth: 9 })).not.toContain(KEY);
      }
    }
  });

  it('stay as they are without the key, however many', () => {
    const bytes = Buffer.alloc(1_000_000, 'x');
    const list = vi.spyOn(Reflect, 'ownKeys');
    expect(redactValue({ bytes }, [KEY]).bytes === bytes).toBe(true);
    const isListed = list.mock.calls.some(([value]) => value === bytes);
    list.mockRestore();
    expect(isListed, 'to list a million places takes longer than all the rest').toBe(false);
  });

  it('are copied without running their class', () => {
    let made = 0;
    class Counted extends Uint8Array {
      constructor(...args: [number]) {
        super(...args);
        made++;
      }
    }
    const bytes = new Counted(40);
    bytes.set(Buffer.from(KEY));
    const copy = redacted(bytes);
    expect(made).toBe(1);
    expect(Buffer.from(copy).toString()).toContain(REDACTED);
  });
});

describe('a copy of everything at once', () => {
  it('prints as often as it is asked', () => {
    const left = scrubbed(
      Object.assign(new Told(`failed with ${KEY}`), { told: new Told(KEY), list: [new Told(KEY)], map: new Map([[KEY, new Told(KEY)]]) }),
    ); // prettier-ignore
    expect(printed(left)).toBe(printed(left));
  });
});
