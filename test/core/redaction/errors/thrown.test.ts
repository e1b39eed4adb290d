import { describe, expect, it } from 'vitest';
import { findSecret } from '../../../../src/testing/assert-no-secret.js';
import { encoders, KEYS, PLAIN, SPECIAL as KEY } from '../encodings.js';
import { errorWith, REDACTED, redactValue, scrub, scrubbed } from '../helpers.js';
import { allLeaks } from '../leaks.js';
import { photograph } from '../snapshot.js';

describe('what was thrown and is no error', () => {
  it('leaves as the text without the key when it is a text', () => {
    expect(scrubbed(`GET /p?k=${encodeURIComponent(KEY)} failed`)).toBe(`GET /p?k=${REDACTED} failed`);
    expect(scrub('nothing in it', [KEY])).toBe('nothing in it');
  });

  it.each([undefined, null, true, false, 0, -0, Number.NaN, 401, 10n, Symbol('s'), Symbol.iterator, ''])(
    'leaves as it came when it is %s',
    (thrown) => {
      expect(Object.is(scrub(thrown, [KEY]), thrown)).toBe(true);
      expect(Object.is(redactValue(thrown, [KEY]), thrown)).toBe(true);
    },
  );

  it('leaves as a symbol without the key when it is a symbol with it', () => {
    const left = scrubbed<symbol>(Symbol(`key ${KEY}`));
    expect(typeof left).toBe('symbol');
    expect(left.description).toBe(`key ${REDACTED}`);
  });

  it('leaves as a scrubbed copy when it is an object', () => {
    const thrown = { status: 401, config: { headers: { authorization: `Bearer ${KEY}` } } };
    const changes = photograph(thrown);
    const left = scrubbed(thrown);
    expect(left).not.toBe(thrown);
    expect(left).toEqual({ status: 401, config: { headers: { authorization: `Bearer ${REDACTED}` } } });
    expect(changes()).toEqual([]);
  });

  it('leaves as itself when it is an object without the key', () => {
    const thrown = { status: 401, list: [new Map([['a', new Error('b')]])] };
    expect(scrub(thrown, [KEY])).toBe(thrown);
    const list = [1, 2];
    expect(scrub(list, [KEY])).toBe(list);
  });

  it('leaves as a copy when it is an array, a Map or a Set', () => {
    expect(scrubbed([1, KEY])).toEqual([1, REDACTED]);
    expect(scrubbed(new Map([['k', KEY]]))).toEqual(new Map([['k', REDACTED]]));
    expect(scrubbed(new Set([KEY]))).toEqual(new Set([REDACTED]));
  });

  it('leaves without the key when it is a Response', () => {
    const thrown = new Response('{}', { status: 503, headers: { 'x-echo': KEY } });
    const left = scrubbed(thrown);
    expect(left.status).toBe(503);
    expect(thrown.headers.get('x-echo')).toBe(KEY);
  });

  it('leaves without the key when it is a function, a promise or a proxy', () => {
    for (const thrown of [Object.assign(() => 0, { key: KEY }), Promise.resolve(KEY), new Proxy(new Error(KEY), {})]) {
      expect(allLeaks(scrub(thrown, [KEY]), KEY)).toEqual([]);
    }
  });

  it('harms nobody when every operation on it throws', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('get');
        },
        getPrototypeOf: () => {
          throw new Error('getPrototypeOf');
        },
        ownKeys: () => {
          throw new Error('ownKeys');
        },
      },
    );
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [hostile, proxy, errorWith(hostile), errorWith([proxy]), new Error('top', { cause: proxy })]) {
      expect(() => scrub(thrown, [KEY])).not.toThrow();
      expect(() => redactValue(thrown, [KEY])).not.toThrow();
      expect(() => findSecret(thrown, KEY)).not.toThrow();
    }
  });
});

describe('redactValue', () => {
  it('copies an error instead of changing it', () => {
    const error = Object.assign(new TypeError(`failed ${KEY}`, { cause: new RangeError(KEY) }), {
      config: { key: KEY },
    });
    const changes = photograph(error);
    const copy = redactValue(error, [KEY]);
    expect(changes()).toEqual([]);
    expect(copy).not.toBe(error);
    expect(copy).toBeInstanceOf(TypeError);
    expect(copy.cause).toBeInstanceOf(RangeError);
    expect(copy.message).toBe(`failed ${REDACTED}`);
    expect(copy.config).toEqual({ key: REDACTED });
    expect(allLeaks(copy, KEY)).toEqual([]);
  });

  it('and scrub give back what they were given when there is no key to look for, even what cannot be searched', () => {
    const values = [
      new Proxy({}, {}),
      Array.from({ length: 20_000 }),
      () => 1,
      Object.freeze(new Error('failed')),
      'text',
    ];
    for (const value of values) {
      expect(redactValue(value, []) === value).toBe(true);
      expect(scrub(value, []) === value).toBe(true);
    }
  });

  it('copies a frozen value into one without the key', () => {
    const frozen = Object.freeze({ list: Object.freeze([KEY]) });
    expect(redactValue(frozen, [KEY])).toEqual({ list: [REDACTED] });
    expect(frozen.list).toEqual([KEY]);
  });
});

describe('findSecret, under assertNoSecret,', () => {
  it('names the place at which the key can be read', () => {
    const error = Object.assign(new Error('failed'), { config: { params: { access_key: KEY } } });
    expect(findSecret(error, KEY)).toContain('config.params.access_key');
    expect(findSecret({ list: [{ a: new Map([['b', KEY]]) }] }, KEY)).toContain('list');
    expect(findSecret(new Error('top', { cause: new Error(KEY) }), KEY)).toContain('cause');
  });

  it('finds every encoding', () => {
    for (const key of KEYS) {
      for (const [name, encode] of Object.entries(encoders)) {
        expect(findSecret({ a: [`before ${encode(key)} after`] }, key), `${name} of ${key}`).toBeDefined();
      }
    }
  });

  it('finds nothing where nothing is', () => {
    for (const value of [undefined, null, 'clean', 7, { a: [new Map([['b', 'c']])] }, new Error('clean'), new Date()]) {
      expect(findSecret(value, KEY)).toBeUndefined();
    }
    expect(findSecret(scrub(errorWith({ key: KEY }), [KEY]), KEY)).toBeUndefined();
  });

  it('finds a key in a property name without repeating it', () => {
    for (const value of [{ [KEY]: 1 }, { deep: { [KEY]: { [KEY]: KEY } } }, new Map([[KEY, KEY]])]) {
      const path = findSecret(value, KEY);
      expect(path).toBeDefined();
      expect(allLeaks(path, KEY)).toEqual([]);
    }
  });

  it('finds what only getters, symbols, hidden properties and memory hold', () => {
    const values = [
      Object.defineProperty({}, 'a', { get: () => PLAIN }),
      Object.defineProperty({}, 'a', { value: PLAIN, enumerable: false }),
      { [Symbol('a')]: PLAIN },
      Buffer.from(PLAIN).buffer,
      new Set([new URL(`http://h/${PLAIN}`)]),
      new Headers({ a: `Basic ${btoa(`x:${PLAIN}`)}` }),
    ];
    for (const value of values) expect(findSecret(value, PLAIN)).toBeDefined();
  });
});
