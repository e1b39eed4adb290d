import { request as httpRequest } from 'node:http';
import { runInNewContext } from 'node:vm';
import { Response as NodeFetchResponse } from 'node-fetch';
import { describe, expect, it } from 'vitest';
import { PLAIN, SPECIAL as KEY } from '../encodings.js';
import { errorWith, REDACTED, redacted, redactValue, scrub, scrubbed, scrubbedOnError } from '../helpers.js';
import { photograph } from '../snapshot.js';

const elsewhere = (code: string): object => runInNewContext(code, { key: KEY }) as object;

describe('values of another realm', () => {
  it.each([
    ['an object', '({ headers: { authorization: key } })'],
    ['an array', '[[key]]'],
    ['a Map', 'new Map([["a", key]])'],
    ['a Map with the key as key', 'new Map([[key, 1]])'],
    ['a Set', 'new Set([key])'],
    ['bytes', 'Uint8Array.from(key, (c) => c.charCodeAt(0))'],
    ['a buffer', 'Uint8Array.from(key, (c) => c.charCodeAt(0)).buffer'],
    ['a class instance', 'new (class { url = key })()'],
    ['a private field', 'new (class { #k = key; get k() { return this.#k } })()'],
    ['a promise', 'Promise.resolve(key)'],
    ['an error', 'new Error(key)'],
  ])('are searched like ours: %s', (_name, code) => {
    scrubbedOnError(elsewhere(code));
  });
});

describe('a copy', () => {
  it('is made without running a constructor', () => {
    let made = 0;
    class Counted {
      key = KEY;
      constructor() {
        made += 1;
      }
    }
    class Picky extends Map<string, string> {
      constructor(entries?: Iterable<[string, string]>) {
        made += 1;
        if (entries === undefined) throw new TypeError('entries are needed');
        super(entries);
      }
    }
    class Failure extends Error {
      constructor(url: URL) {
        made += 1;
        super(`GET ${url.pathname}?k=${KEY}`);
      }
    }
    const originals = [new Counted(), new Picky([['a', KEY]]), Object.freeze(new Failure(new URL('http://h/p')))];
    expect(made).toBe(3);
    for (const original of originals) {
      redacted(original);
      scrubbed(errorWith(original));
    }
    expect(scrubbed(originals[2])).toBeInstanceOf(Failure);
    expect(made).toBe(3);
  });

  it('is made without calling setters', () => {
    let set = 0;
    class Guarded {
      set key(_value: string) {
        set += 1;
        throw new Error('read-only');
      }
    }
    const guarded = new Guarded();
    Object.defineProperty(guarded, 'key', { value: KEY, enumerable: true, configurable: true, writable: true });
    expect(redacted(guarded).key).toBe(REDACTED);
    expect(scrubbedOnError(guarded).key).toBe(REDACTED);
    expect(set).toBe(0);
  });

  it('keeps the order and the visibility of its properties', () => {
    const original = { z: 1, key: KEY, a: 2, 7: 3 };
    Object.defineProperty(original, 'hidden', { value: KEY, enumerable: false });
    const copy = redacted(original);
    expect(Object.keys(copy)).toEqual(['7', 'z', 'key', 'a']);
    expect(Object.getOwnPropertyDescriptor(copy, 'hidden')).toMatchObject({ value: REDACTED, enumerable: false });
  });

  it('of bytes keeps every other byte', () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_none, index) => index));
    const copy = redacted(Buffer.concat([all, Buffer.from(KEY), all]));
    expect(copy).toEqual(Buffer.concat([all, Buffer.from(REDACTED), all]));
  });

  it('of an object that hides what all objects have is still made', () => {
    const hidden = { constructor: KEY, hasOwnProperty: KEY, toString: null, valueOf: KEY, length: KEY };
    const copy = redacted(hidden) as unknown as Record<string, unknown>;
    expect(copy).toEqual({
      constructor: REDACTED,
      hasOwnProperty: REDACTED,
      toString: null,
      valueOf: REDACTED,
      length: REDACTED,
    });
  });

  it('of a RegExp does not hold the key', () => {
    redacted({ pattern: new RegExp(`key=${PLAIN}`) }, PLAIN);
    scrubbedOnError(new RegExp(PLAIN), PLAIN);
  });
});

describe('nothing goes wrong', () => {
  it('with what warns of being read: nothing is printed', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    const request = httpRequest('http://127.0.0.1:1/', { headers: { authorization: KEY } });
    request.on('error', () => undefined).destroy();
    const response = new NodeFetchResponse('{}', { headers: { 'x-key': KEY } });
    scrub(errorWith({ request, response, process, note: KEY }), [KEY]);
    redactValue(response, [KEY]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('with memory that was given away', () => {
    const bytes = new TextEncoder().encode(KEY);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(bytes.byteLength).toBe(0);
    const view = new DataView(new ArrayBuffer(8));
    structuredClone(view.buffer, { transfer: [view.buffer] });
    const left = scrub(errorWith({ bytes, memory: bytes.buffer, view, note: KEY }), [KEY]);
    expect(left).toHaveProperty('extra.note', REDACTED);
  });

  it('with prototypes of built-ins and with built-ins themselves', () => {
    const changes = photograph([Map.prototype, URL.prototype, Error.prototype, Headers.prototype, Array.prototype]);
    for (const extra of [
      Map.prototype,
      URL.prototype,
      Error.prototype,
      Headers.prototype,
      Array.prototype,
      Math,
      JSON,
    ]) {
      expect(() => scrub(errorWith({ extra, note: KEY }), [KEY])).not.toThrow();
      expect(() => redactValue(extra, [KEY])).not.toThrow();
    }
    expect(() => scrub(errorWith({ global: globalThis, process, note: KEY }), [KEY])).not.toThrow();
    expect(changes()).toEqual([]);
  });

  it('with an object that claims to be what it is not', () => {
    const fakes = [
      Object.create(Map.prototype) as object,
      Object.create(URL.prototype) as object,
      Object.create(Headers.prototype) as object,
      Object.create(Uint8Array.prototype) as object,
      Object.create(Promise.prototype) as object,
      Object.create(Response.prototype) as object,
      { [Symbol.toStringTag]: 'Response', status: KEY },
      { [Symbol.toStringTag]: 'URLSearchParams' },
    ];
    for (const fake of fakes) {
      Object.defineProperty(fake, 'key', { value: KEY, enumerable: true });
      expect(() => scrub(errorWith(fake), [KEY])).not.toThrow();
      expect(scrubbed(errorWith(fake)).message).toBe('the call failed');
    }
  });

  it('with an error that inherits what it says', () => {
    const thrown = Object.create(new TypeError(`GET /p?k=${KEY}`)) as Error;
    const left = scrubbed(thrown);
    expect(left).toBeInstanceOf(Error);
    expect(left.message).toBe(`GET /p?k=${REDACTED}`);
  });

  it('with an error whose prototype was taken away', () => {
    const error = Object.setPrototypeOf(new Error(KEY), null) as Error;
    const left = scrubbed(error);
    expect(left).toBe(error);
    expect(left.message).toBe(REDACTED);
  });

  it('with an error that is listed twice, or lists itself', () => {
    const one = new Error(KEY);
    const list = new AggregateError([one, one], KEY, { cause: one });
    list.errors.push(list);
    expect(scrubbed(list)).toBe(list);
    expect(list.errors).toEqual([one, one, list]);
  });
});
