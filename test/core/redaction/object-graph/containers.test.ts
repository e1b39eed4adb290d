import { AxiosHeaders } from 'axios';
import { Headers as NodeFetchHeaders } from 'node-fetch';
import { Headers as UndiciHeaders } from 'undici';
import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { errorWith, REDACTED, redacted, redactValue, scrub, scrubbed, scrubbedOnError } from '../helpers.js';
import { photograph } from '../snapshot.js';

class Options {
  readonly key = KEY;
  readonly base = 'USD';
  url(): string {
    return `/p?base=${this.base}`;
  }
}

function collected(..._values: string[]): object {
  // oxlint-disable-next-line prefer-rest-params
  return arguments;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const cycle = (): object => {
  const node: Record<string, unknown> = { key: KEY, list: [] };
  node['self'] = node;
  (node['list'] as unknown[]).push(node, new Map([['up', node]]));
  return node;
};

const holders: Record<string, () => object> = {
  'an object': () => ({ headers: { authorization: `Bearer ${KEY}` } }),
  'an object without a prototype': () => Object.assign(Object.create(null) as object, { key: KEY }),
  'an object with a key as property name': () => ({ [KEY]: 1 }),
  'an object with an encoded key as property name': () => ({ [encodeURIComponent(KEY)]: 1 }),
  'an object with a symbol property': () => ({ [Symbol('key')]: KEY }),
  'an object with a symbol named like the key': () => ({ [Symbol(KEY)]: 1 }),
  'an object with a symbol as value': () => ({ symbol: Symbol.for(KEY) }),
  'an object with a property that is not enumerable': () =>
    Object.defineProperty({}, 'key', { value: KEY, enumerable: false }),
  'an object with a getter': () => ({
    get key() {
      return KEY;
    },
  }),
  'an object that inherits the key': () => Object.create({ key: KEY }) as object,
  'a frozen object': () => Object.freeze({ deep: Object.freeze([Object.freeze({ key: KEY })]) }),
  'a class instance': () => new Options(),
  'a class instance with an accessor': () =>
    new (class {
      held = KEY;
      get key() {
        return this.held;
      }
    })(),
  'nested arrays': () => [[[['a', [KEY]]]]],
  'an array with holes': () => Object.assign(Array.from({ length: 3 }), { 5: KEY }),
  'an array with a property': () => Object.assign([1, 2], { key: KEY }),
  'an array subclass': () => Object.assign(new (class List extends Array<string> {})(), { 0: KEY }),
  arguments: () => collected(KEY),
  'a Map': () => new Map([['authorization', KEY]]),
  'a Map with the key as key': () => new Map([[KEY, 1]]),
  'a Map with an object as key': () => new Map([[{ key: KEY }, 1]]),
  'a Map with a property': () => Object.assign(new Map(), { key: KEY }),
  'a Map subclass': () => new (class Registry extends Map<string, string> {})([['a', KEY]]),
  'a Set': () => new Set(['a', KEY]),
  'a Set of objects': () => new Set([{ deep: new Set([KEY]) }]),
  'a URL with a query': () => new URL(`http://h/p?accessheld=${encodeURIComponent(KEY)}&base=USD`),
  'a URL with a path': () => new URL(`http://h/${encodeURIComponent(KEY)}/latest`),
  'a URL with a password': () => new URL(`http://api:${encodeURIComponent(KEY)}@h/`),
  'a URL with a user': () => new URL(`http://${encodeURIComponent(KEY)}@h/`),
  'a URL with a fragment': () => new URL(`http://h/#${encodeURIComponent(KEY)}`),
  'a URL with a Basic query': () => new URL(`http://h/?auth=${Buffer.from(`u:${KEY}`).toString('base64url')}`),
  'a URLSearchParams': () => new URLSearchParams({ accessheld: KEY, base: 'USD' }),
  'a URLSearchParams with the key as name': () => new URLSearchParams({ [KEY]: '1' }),
  'the searchParams of a URL': () => new URL(`http://h/?k=${encodeURIComponent(KEY)}`).searchParams,
  'a Headers': () => new Headers({ authorization: `Bearer ${KEY}`, accept: 'text/plain' }),
  'a Headers with Basic auth': () => new Headers({ authorization: `Basic ${btoa(`api:${KEY}`)}` }),
  'a Headers with cookies': () =>
    new Headers([
      ['set-cookie', `a=${KEY}`],
      ['set-cookie', 'b=2'],
    ]),
  'undici Headers': () => new UndiciHeaders({ authorization: KEY }),
  'node-fetch Headers': () => new NodeFetchHeaders({ authorization: KEY }),
  'axios headers': () => AxiosHeaders.from({ authorization: KEY }),
  'a FormData': () => {
    const form = new FormData();
    form.set('key', KEY);
    return form;
  },
  'a Buffer': () => Buffer.from(`{"key":${JSON.stringify(KEY)}}`),
  'a Buffer of base64': () => Buffer.from(Buffer.from(`u:${KEY}`).toString('base64')),
  'a Buffer with a property': () => Object.assign(Buffer.from('clean'), { key: KEY }),
  'a Uint8Array': () => bytes(`key=${encodeURIComponent(KEY)}`),
  'a Uint8Array over a part of its memory': () => bytes(`xxxx${KEY}xxxx`).subarray(2, -2),
  'an Int8Array': () => new Int8Array(bytes(KEY).buffer),
  'a Uint16Array': () => new Uint16Array(bytes(`${KEY}${KEY}`).slice(0, 2 * KEY.length).buffer),
  'a DataView': () => new DataView(bytes(KEY).buffer),
  'an ArrayBuffer': () => bytes(`--${KEY}--`).buffer,
  'a SharedArrayBuffer': () => {
    const shared = new SharedArrayBuffer(KEY.length);
    new Uint8Array(shared).set(bytes(KEY));
    return shared;
  },
  'a String object': () => new String(KEY),
  'an Error': () => new TypeError(KEY),
  'a cycle': cycle,
};

describe.each(Object.entries(holders))('%s', (_name, make) => {
  it('on an error gives way to a scrubbed copy and stays untouched itself', () => {
    const original = make();
    expect(scrubbedOnError(original)).not.toBe(original);
  });

  it('deep on an error does too', () => {
    const original = make();
    const holder = { list: [1, { original }], other: 'kept' };
    const left = scrubbedOnError(holder);
    expect(left.other).toBe('kept');
    expect(left.list[0]).toBe(1);
  });

  it('as a cause gives way as well', () => {
    scrubbed(new Error('top', { cause: make() }));
  });

  it('is copied without the key by redactValue', () => {
    const original = make();
    expect(redacted(original)).not.toBe(original);
  });
});

describe('a scrubbed copy', () => {
  it('is of the kind that the original is', () => {
    for (const type of [
      Map,
      Set,
      URL,
      URLSearchParams,
      Headers,
      Buffer,
      Uint8Array,
      DataView,
      ArrayBuffer,
      Array,
      Options,
    ]) {
      const makers = Object.values(holders).filter((make) => Object.getPrototypeOf(make()) === type.prototype);
      expect(makers.length, type.name).toBeGreaterThan(0);
      for (const make of makers) expect(redactValue(make(), [KEY])).toBeInstanceOf(type);
    }
  });

  it('keeps all that is not the key', () => {
    expect(redacted({ a: 1, b: [KEY, null, undefined, 2n, true], c: { d: Number.NaN } })).toEqual({
      a: 1,
      b: [REDACTED, null, undefined, 2n, true],
      c: { d: Number.NaN },
    });
    expect([
      ...redacted(
        new Map<unknown, unknown>([
          ['a', KEY],
          [1, 'b'],
        ]),
      ),
    ]).toEqual([
      ['a', REDACTED],
      [1, 'b'],
    ]);
    expect([...redacted(new Set([1, KEY, 'z']))]).toEqual([1, REDACTED, 'z']);
    expect(redacted(new Options()).url()).toBe('/p?base=USD');
    expect(redacted(Buffer.from(`a ${KEY} b`)).toString()).toBe(`a ${REDACTED} b`);
    const headers = redacted(new Headers({ authorization: `Bearer ${KEY}`, accept: 'text/plain' }));
    expect(Object.fromEntries(headers)).toEqual({ authorization: `Bearer ${REDACTED}`, accept: 'text/plain' });
    const query = redacted(
      new URLSearchParams([
        ['k', KEY],
        ['base', 'USD'],
        ['base', 'EUR'],
      ]),
    );
    expect([...query]).toEqual([
      ['k', REDACTED],
      ['base', 'USD'],
      ['base', 'EUR'],
    ]);
    const url = redacted(new URL(`http://h:81/p?k=${encodeURIComponent(KEY)}&base=USD#end`));
    expect([url.host, url.pathname, url.searchParams.get('base'), url.hash]).toEqual(['h:81', '/p', 'USD', '#end']);
    const holed = redacted(Object.assign(Array.from({ length: 0 }), { 2: KEY }) as unknown[]);
    expect([holed.length, 0 in holed, holed[2]]).toEqual([3, false, REDACTED]);
  });

  it('shares its clean parts with the original', () => {
    const [clean, map] = [{ deep: { list: [1] } }, new Map([['a', 1]])];
    const copy = redacted({ key: KEY, clean, list: [clean], map });
    expect(copy.clean).toBe(clean);
    expect(copy.list[0]).toBe(clean);
    expect(copy.map).toBe(map);
  });

  it('has the shape of the original: one object twice is one copy twice, a cycle a cycle', () => {
    const shared = { key: KEY };
    const copy = redacted({ a: shared, b: [shared], c: new Map([['x', shared]]) });
    expect(copy.b[0]).toBe(copy.a);
    expect(copy.c.get('x')).toBe(copy.a);
    const ring = redacted(cycle()) as { self: unknown; list: unknown[] };
    expect(ring.self).toBe(ring);
    expect(ring.list[0]).toBe(ring);
    expect((ring.list[1] as Map<string, unknown>).get('up')).toBe(ring);
  });

  it('is not made at all where no key is held', () => {
    const shared = { a: [1, new Map([['b', new Date()]])] };
    const clean = {
      shared,
      again: shared,
      url: new URL('http://h/?a=b'),
      query: new URLSearchParams('a=b'),
      text: 'x',
      when: new Date(),
    };
    const changes = photograph(clean);
    expect(redactValue(clean, [KEY])).toBe(clean);
    expect(scrub(errorWith(clean), [KEY])).toHaveProperty('extra', clean);
    expect(changes()).toEqual([]);
  });

  it('of property names does not make one of two', () => {
    const copy = redacted({ [KEY]: 1, [encodeURIComponent(KEY)]: 2, other: 3 });
    expect(Object.values(copy).toSorted()).toEqual([1, 2, 3]);
  });

  it('of the keys of a Map does not make one of two', () => {
    const map = redacted(new Map(Object.entries({ [KEY]: 1, [encodeURIComponent(KEY)]: 2, other: 3 })));
    expect([...map.values()]).toEqual([1, 2, 3]);
  });

  it('of an object with a property named __proto__ has an ordinary prototype', () => {
    const parsed = JSON.parse(`{"__proto__":{"polluted":1},"key":${JSON.stringify(KEY)}}`) as object;
    const copy = redacted(parsed);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.keys(copy)).toEqual(['__proto__', 'key']);
  });
});
