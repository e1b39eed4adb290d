import { EventEmitter } from 'node:events';
import { request as httpRequest } from 'node:http';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { REDACTED, redacted, redactValue, scrub, scrubbedOnError } from '../helpers.js';

/** An object that inherits from `parent`, as an instance of a class does. */
const inheriting = (parent: object, own: object = {}): object => Object.assign(Object.create(parent) as object, own);
const nothing = (): undefined => undefined;
const methods = (names: string[]): object => Object.fromEntries(names.map((name) => [name, nothing]));

describe('an object is live, and gives way to a description, when it has the methods', () => {
  it.each([['on', 'emit'], ['addEventListener'], ['then'], ['pipe'], ['getReader'], ['next']])('%s %s', (...names) => {
    const live = inheriting(methods(names), { key: KEY });
    expect(redacted({ live })).toEqual({ live: { description: '[Object: not searched]' } });
    expect(redactValue(inheriting(methods(names)), [KEY])).toEqual({ description: '[Object: not searched]' });
  });
});

describe('an object is not looked into when its class tells that it is a', () => {
  it.each(['Request', 'Response', 'Blob', 'File', 'FormData'])('%s', (tag) => {
    const value = inheriting({ [Symbol.toStringTag]: tag }, { key: KEY });
    expect(redacted({ value })).toEqual({ value: { description: `[${tag}: not searched]` } });
    expect(redactValue(inheriting({ [Symbol.toStringTag]: `${tag}s` }, { base: 'USD' }), [KEY])).toHaveProperty('base');
  });
});

describe('an object is none, and is searched, when it has', () => {
  it.each<[string, object]>([
    ['on alone', { on: nothing }],
    ['emit alone', { emit: nothing }],
    ['a text named pipe', { pipe: 'lead' }],
    ['a number named next', { next: 2 }],
  ])('%s', (_name, parent) => {
    const copy = redacted(inheriting(parent, { key: KEY }));
    expect(Object.getPrototypeOf(copy)).toBe(parent);
    expect(copy).toHaveProperty('key', REDACTED);
    const clean = inheriting(parent, { base: 'USD' });
    expect(redactValue(clean, [KEY])).toBe(clean);
  });

  it('such methods of its own, and no class', () => {
    for (const proto of [Object.prototype, null]) {
      const own = { next: nothing, pipe: nothing, on: nothing, emit: nothing };
      const copy = redacted(Object.assign(Object.create(proto) as object, own, { key: KEY }));
      expect({ ...copy }).toEqual({ ...own, key: REDACTED });
      const clean = Object.assign(Object.create(proto) as object, own);
      expect(redactValue(clean, [KEY])).toBe(clean);
    }
  });
});

describe('a chain of prototypes', () => {
  const chain = (length: number): object => {
    let proto: object = { key: KEY };
    for (let level = 1; level < length; level++) proto = Object.create(proto) as object;
    return proto;
  };

  it('is followed for 32 of them, a longer one not at all', () => {
    expect(redactValue({ value: chain(32) }, [KEY]).value).toHaveProperty('key', REDACTED);
    expect(redactValue({ value: chain(40) }, [KEY]).value).toEqual({ description: '[object: not searched]' });
  });
});

describe('a description names', () => {
  const described = (value: object): unknown => redactValue(value, [KEY]);
  const named = (tag: unknown, type?: unknown): object =>
    inheriting({ pipe: nothing, [Symbol.toStringTag]: tag, constructor: type });

  it.each([
    ['the tag', named('Socket', class Other extends EventEmitter {}), 'Socket'],
    ['the class where the tag is empty', named('', class Socket extends EventEmitter {}), 'Socket'],
    ['the class where the tag is no text', named(7, class Socket extends EventEmitter {}), 'Socket'],
    ['the class where there is no tag', new EventEmitter(), 'EventEmitter'],
    ['an object where the class has no name', named('', class extends EventEmitter {}), 'object'],
    ['an object where the class is none', named('', { name: 'Socket' }), 'object'],
    ['an object where there is no class', named(undefined), 'object'],
    ['a proxy as one, whatever it claims to be', new Proxy(new EventEmitter(), {}), 'Proxy'],
  ])('%s', (_name, value, name) => {
    expect(described(value)).toEqual({ description: `[${name}: not searched]` });
  });
});

describe('a live object tells', () => {
  const told = (own: object, more: object = {}): unknown =>
    scrubbedOnError({ live: inheriting({ pipe: nothing, ...more }, own), note: KEY }).live;

  it('what code that handles errors reads, and nothing else', () => {
    const own = {
      status: 401,
      statusCode: 401,
      statusText: `No ${KEY}`,
      statusMessage: 'No',
      ok: false,
      headers: { 'x-key': KEY },
      body: 'a body',
      text: 'a text',
      data: { key: KEY, code: 7 },
      url: `/p?k=${KEY}`,
      method: 'GET',
    };
    expect(told({ ...own, key: KEY, base: 'USD' })).toEqual({
      description: '[Object: not searched]',
      ...own,
      statusText: `No ${REDACTED}`,
      headers: { 'x-key': REDACTED },
      data: { key: REDACTED, code: 7 },
      url: `/p?k=${REDACTED}`,
    });
  });

  it('nothing by what is a function, or live itself, or not there', () => {
    const own = { status: 401, text: () => KEY, body: inheriting({ pipe: nothing }), data: undefined };
    expect(told(own)).toEqual({ description: '[Object: not searched]', status: 401 });
  });

  it('nothing when it is a promise', () => {
    const promise = Object.assign(Promise.resolve(KEY), { status: 401 });
    expect(scrubbedOnError({ promise, note: KEY }).promise).toEqual({ description: '[Promise: not searched]' });
  });

  it('its data, unless it is a fetch Request or Response: that of node-fetch warns', () => {
    for (const tag of ['Request', 'Response']) {
      let asked = 0;
      const fetched = inheriting({
        [Symbol.toStringTag]: tag,
        get data() {
          return (asked += 1);
        },
      });
      expect(scrub({ fetched, note: KEY }, [KEY])).toEqual({
        fetched: { description: `[${tag}: not searched]` },
        note: REDACTED,
      });
      expect(asked).toBe(0);
    }
    expect(told({ data: 'gold' }, { [Symbol.toStringTag]: 'Message' })).toHaveProperty('data', 'gold');
  });

  it('its headers and its URL when it is a request of node:http', () => {
    const request = httpRequest(`http://127.0.0.1:1/p?k=${encodeURIComponent(KEY)}`, {
      headers: { authorization: `Bearer ${KEY}`, accept: 'text/plain' },
    });
    request.on('error', nothing).destroy();
    const left = scrubbedOnError({ request, note: KEY });
    expect(left.request).toMatchObject({
      description: '[ClientRequest: not searched]',
      method: 'GET',
      headers: { authorization: `Bearer ${REDACTED}`, accept: 'text/plain' },
      url: `http://127.0.0.1/p?k=${REDACTED}`,
      path: `/p?k=${REDACTED}`,
    });
  });

  it('as much of such a URL as there is', () => {
    const getHeaders = (): object => ({ accept: 'text/plain' });
    expect(told({ path: '/p' }, { getHeaders })).toEqual({
      description: '[Object: not searched]',
      headers: { accept: 'text/plain' },
      url: '///p',
      path: '/p',
    });
  });

  it('no headers when they cannot be had', () => {
    const getHeaders = (): never => {
      throw new Error('no');
    };
    expect(told({ protocol: 'http:', host: 'h', path: '/p' }, { getHeaders })).toMatchObject({
      headers: {},
      url: 'http://h/p',
    });
  });

  it('no URL when it has no headers, or no path', () => {
    const none = { description: '[Object: not searched]' };
    expect(told({ path: '/tmp/file', host: 'h' })).toEqual(none);
    expect(told({ host: 'h' }, { getHeaders: () => ({ accept: 'text/plain' }) })).toEqual(none);
    expect(told({ path: 7 }, { getHeaders: () => ({ accept: 'text/plain' }) })).toEqual(none);
    expect(told({ path: '/p', getHeaders: 'none' })).toEqual(none);
  });
});

describe('an instance of a class with private members, written as', () => {
  const instance = (source: string): object => runInThisContext(`new (${source})()`) as object;

  it.each([
    'class{#a}',
    'class { #a }',
    'class {  #a }',
    'class {\n  #a = 1 }',
    'class { b = 1\n#a }',
    'class { b = 1\n  #a }',
    'class { b = 1; #a }',
    'class { b() {} #a }',
    'class { #a() {} }',
    'class { *#a() {} }',
    'class { get #a() {} }',
    'class { get  #a() {} }',
    'class { set #a(b) {} }',
    'class { set  #a(b) {} }',
    'class { async #a() {} }',
    'class { async  #a() {} }',
    'class { async *#a() {} }',
    'class { static #a }',
    'class { static  #a }',
    'class { static async #a() {} }',
    'class { static get #a() {} }',
    '(() => { class A { #a; static B = class { c(d) { return d.#a } } } return A.B })()',
    'class extends (class { #a }) {}',
  ])('%s, gives way to a description', (source) => {
    expect(redactValue([instance(source)], [KEY])).toEqual([
      { description: expect.stringContaining('not searched') as string },
    ]);
  });

  it.each([
    'class { a = "a #b" }',
    'class { a = ".# b" }',
    'class { a = "{# b" }',
    'class { a = 1 /* the #1 */ }',
    'class { a = "x#b" }',
    'class { get a() { return "static #b" } }',
  ])('%s, which has none, is searched', (source) => {
    const value = [instance(source)];
    expect(redactValue(value, [KEY])).toBe(value);
    const copy = redacted([Object.assign(instance(source), { key: KEY })]);
    expect(copy[0]).toHaveProperty('key', REDACTED);
    expect(copy[0]).not.toHaveProperty('description');
  });
});
