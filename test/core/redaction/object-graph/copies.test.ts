import { isNativeError } from 'node:util/types';
import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { REDACTED, redacted, redactValue, scrub, scrubbed } from '../helpers.js';
import { allLeaks } from '../leaks.js';

const prototypeOf = (value: object): object | null => Object.getPrototypeOf(value) as object | null;
const descriptorOf = (value: object, name: PropertyKey): PropertyDescriptor | undefined =>
  Object.getOwnPropertyDescriptor(value, name);

describe('the copy of an object', () => {
  it('has properties that can be written and taken away, as the original has', () => {
    const copy = redacted({ key: KEY });
    expect(descriptorOf(copy, 'key')).toEqual({
      value: REDACTED,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  });

  it('that is frozen has properties that are as fixed', () => {
    const copy = redacted(Object.freeze({ key: KEY, base: 'USD' }));
    for (const name of ['key', 'base']) {
      expect(descriptorOf(copy, name)).toMatchObject({ writable: false, configurable: false, enumerable: true });
    }
  });

  it('keeps a clean accessor as one, which it can take away', () => {
    const get = (): string => 'USD';
    const original = Object.defineProperty({ key: KEY }, 'base', { get, enumerable: true, configurable: false });
    const copy = redacted(original);
    expect(descriptorOf(copy, 'base')).toEqual({ get, set: undefined, enumerable: true, configurable: true });
  });

  it('has a value where the accessor gave the key', () => {
    const copy = redacted({
      get key() {
        return KEY;
      },
    });
    expect(descriptorOf(copy, 'key')).toMatchObject({ value: REDACTED, enumerable: true });
  });

  it('has nothing of its own that the original has not', () => {
    class Options {
      key = KEY;
      get base(): string {
        return 'USD';
      }
    }
    class List extends Array<string> {
      get base(): string {
        return 'USD';
      }
    }
    class Registry extends Map<string, string> {
      get base(): string {
        return 'USD';
      }
    }
    class Tags extends Set<string> {
      get base(): string {
        return 'USD';
      }
    }
    expect(Reflect.ownKeys(redacted(new Options()))).toEqual(['key']);
    expect(Reflect.ownKeys(redacted(List.from([KEY])))).toEqual(['0', 'length']);
    expect(Reflect.ownKeys(redacted(new Registry([['key', KEY]])))).toEqual([]);
    expect(Reflect.ownKeys(redacted(new Tags([KEY])))).toEqual([]);
  });

  it('covers an inherited value with one that does not show in a listing', () => {
    class Options {
      held = `k=${KEY}`;
      get key(): string {
        return this.held;
      }
    }
    const copy = redacted(new Options());
    expect(copy.key).toBe(`k=${REDACTED}`);
    expect(Object.keys(copy)).toEqual(['held']);
  });

  it('of an array has its length, also beyond its last item', () => {
    const list: unknown[] = [KEY];
    list.length = 5;
    const copy = redacted(list);
    expect(copy).toHaveLength(5);
    expect(Object.keys(copy)).toEqual(['0']);
  });

  it('numbers the names that would be the same, from 2 on', () => {
    const copy = redacted({ [KEY]: 1, [`${KEY}${KEY}`]: 2, [encodeURIComponent(KEY)]: 3 });
    expect(copy).toEqual({ [REDACTED]: 1, [`${REDACTED}${REDACTED}`]: 2, [`${REDACTED} 2`]: 3 });
    const hex = Buffer.from(KEY).toString('hex');
    const more = redacted({
      [KEY]: 1,
      [encodeURIComponent(KEY)]: 2,
      [hex]: 3,
      [Buffer.from(KEY).toString('base64')]: 4,
    });
    expect(Object.keys(more)).toEqual([REDACTED, `${REDACTED} 2`, `${REDACTED} 3`, `${REDACTED} 4`]);
    const map = redacted(new Map(Object.entries({ [KEY]: 1, [encodeURIComponent(KEY)]: 2, [hex]: 3 })));
    expect([...map.keys()]).toEqual([REDACTED, `${REDACTED} 2`, `${REDACTED} 3`]);
  });

  it('does not take a name that the original has for another one, be it before or after', () => {
    const second = `${REDACTED} 2`;
    const names = [
      [REDACTED, KEY, second],
      [KEY, REDACTED, second],
      [second, KEY, REDACTED],
    ];
    for (const [one, two, three] of names as Array<[string, string, string]>) {
      const values = { [one]: 1, [two]: 2, [three]: 3 };
      const kept = Object.fromEntries(Object.entries(values).filter(([name]) => name !== KEY));
      const clean = { ...kept, [`${REDACTED} 3`]: values[KEY] };
      expect(redacted(values)).toEqual(clean);
      expect(redacted(new Map(Object.entries(values)))).toEqual(new Map(Object.entries(clean)));
      const error = Object.assign(new Error('failed'), values);
      expect(scrub(error, [KEY])).toBe(error);
      expect({ ...error }).toEqual(clean);
    }
  });

  it('keeps symbols that held the key apart', () => {
    const copy = redacted({ [Symbol(KEY)]: 1, [Symbol(KEY)]: 2 }) as Record<symbol, unknown>;
    expect(Object.getOwnPropertySymbols(copy).map((symbol) => [symbol.description, copy[symbol]])).toEqual([
      [REDACTED, 1],
      [REDACTED, 2],
    ]);
  });
});

describe('the copy of an object that inherits from another one', () => {
  it('has no prototype from which the key can be read', () => {
    const copy = redacted(Object.create({ key: KEY }) as { key: string });
    expect(prototypeOf(copy)).toBe(Object.prototype);
    expect(copy.key).toBe(REDACTED);
  });

  it('has the next prototype up that is clean', () => {
    const clean = { base: 'USD' };
    const dirty = Object.create(clean, { key: { value: KEY, enumerable: true } }) as object;
    const under = Object.create(dirty, { note: { value: 'none' } }) as object;
    const copy = redacted(Object.create(under) as object);
    expect(prototypeOf(copy)).toBe(clean);
    expect(copy).toMatchObject({ key: REDACTED, base: 'USD' });
  });

  it('has the same prototype when only its own properties hold the key', () => {
    const parent = { base: 'USD' };
    const copy = redacted(Object.assign(Object.create(parent) as object, { key: KEY }));
    expect(prototypeOf(copy)).toBe(parent);
    expect(Object.keys(copy)).toEqual(['key']);
  });

  it('has the same prototype when a getter up there makes the key of its properties', () => {
    class Options {
      held = KEY;
      get key(): string {
        return this.held;
      }
    }
    expect(prototypeOf(redacted(new Options()))).toBe(Options.prototype);
    const bare = Object.assign(Object.create(null) as { key: string }, { key: KEY });
    expect(prototypeOf(redacted(bare))).toBe(null);
  });

  it('has no prototype at all when the last one up holds the key', () => {
    const bare = Object.assign(Object.create(null) as object, { key: KEY });
    expect(prototypeOf(redacted(Object.create(bare) as object))).toBe(null);
  });
});

describe('the copy of an error', () => {
  it('is an error to the engine too', () => {
    const copy = redacted(new TypeError(KEY));
    expect(isNativeError(copy)).toBe(true);
    expect(copy).toBeInstanceOf(TypeError);
  });

  it('has the properties of the original, as visible as there', () => {
    const copy = redacted(Object.assign(new Error(KEY), { status: 401 }));
    expect(Reflect.ownKeys(copy).toSorted()).toEqual(['message', 'stack', 'status']);
    expect(Object.keys(copy)).toEqual(['status']);
  });

  it('has no stack where the original has none', () => {
    const error = Object.create(Error.prototype, { message: { value: KEY } }) as Error;
    expect(Reflect.ownKeys(redacted(error))).toEqual(['message']);
  });
});

describe('the copy of bytes', () => {
  it.each<new (memory: ArrayBuffer) => ArrayBufferView>([Int8Array, Uint16Array, Uint32Array, BigInt64Array, DataView])(
    'is of their class, filled up with zeros to its last item: %o',
    (type) => {
      const copy = redacted(new type(Uint8Array.from(Buffer.from(`${'.'.repeat(5)}${KEY}`)).buffer));
      expect(Object.getPrototypeOf(copy)).toBe(type.prototype);
      const { BYTES_PER_ELEMENT: size = 1 } = type as { BYTES_PER_ELEMENT?: number };
      const clean = `.....${REDACTED}`;
      const length = Math.ceil(clean.length / size) * size;
      expect(Buffer.from(copy.buffer).toString()).toBe(clean.padEnd(length, '\0'));
    },
  );

  it('in a list is a mark: no list of numbers could tell what is missing', () => {
    expect(redactValue<unknown>([...Buffer.from(KEY)], [KEY])).toBe(REDACTED);
  });
});

describe('the copy of pairs', () => {
  it('is of their class up to 1,000 of them, and a plain object beyond: they compare each with each', () => {
    const pairs = (length: number): URLSearchParams =>
      new URLSearchParams(
        Array.from({ length }, (_none, index): [string, string] => [`p${index}`, index === 0 ? KEY : '1']),
      );
    expect(redacted(pairs(1_000))).toBeInstanceOf(URLSearchParams);
    const copy = redacted(pairs(1_001)) as unknown as Record<string, string>;
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect([Object.keys(copy).length, copy['p0']]).toEqual([1_001, REDACTED]);
  });

  it('that are none leaves out what has no partner', () => {
    const triple = function* (): Generator<string[]> {
      yield ['a', KEY, 'b'];
    };
    const headers = Object.create({ [Symbol.toStringTag]: 'Headers', [Symbol.iterator]: triple }) as object;
    expect(redactValue({ headers }, [KEY]).headers).toEqual([['a', REDACTED]]);
    const map = Object.defineProperty(new Map(), Symbol.iterator, { value: triple });
    expect([...redactValue(map, [KEY]).entries()]).toEqual([['a', REDACTED]]);
  });
});

describe('headers of a class that cannot be made anew', () => {
  class Headers {
    readonly #pairs: Array<[string, string]>;
    constructor(init?: unknown) {
      if (Array.isArray(init)) throw new TypeError('expected a record');
      this.#pairs = Object.entries((init ?? {}) as Record<string, string>);
    }
    get [Symbol.toStringTag](): string {
      return 'Headers';
    }
    [Symbol.iterator](): Iterator<[string, string]> {
      return this.#pairs.values();
    }
  }

  it('are copied as a plain object', () => {
    const copy = redacted({ headers: new Headers({ authorization: KEY, accept: 'text/plain' }) });
    expect(copy.headers).toEqual({ authorization: REDACTED, accept: 'text/plain' });
  });

  it('stay as they are without the key', () => {
    const value = { headers: new Headers({ accept: 'text/plain' }) };
    expect(redactValue(value, [KEY])).toBe(value);
  });
});

describe('a live value that is all there is', () => {
  it('comes back as it is when no key is held at all', () => {
    for (const value of [Promise.resolve(KEY), new Proxy({}, {}), () => KEY, new Response(KEY)]) {
      expect(redactValue(value, [])).toBe(value);
      expect(scrub(value, [])).toBe(value);
    }
  });

  it('that tells of itself, and nothing of a key, comes back as it is', () => {
    const response = new Response('{}', { status: 503, headers: { accept: 'text/plain' } });
    expect(scrub(response, [KEY])).toBe(response);
    expect(redactValue(response, [KEY])).toBe(response);
  });

  it('that tells of a key only in what it holds gives way', () => {
    const response = new Response('{}', { status: 503, headers: { 'x-echo': KEY } });
    expect(scrubbed(response)).not.toBe(response);
    expect(allLeaks(redactValue(response, [KEY]), KEY)).toEqual([]);
  });

  it('that tells of nothing gives way to a description', () => {
    expect(scrub(Promise.resolve(1), [KEY])).toEqual({ description: '[Promise: not searched]' });
    expect(redactValue(new WeakMap(), [KEY])).toEqual({ description: '[WeakMap: not searched]' });
  });
});
