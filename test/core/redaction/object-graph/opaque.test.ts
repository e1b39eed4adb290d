import { createSecretKey } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { errorWith, scrub } from '../helpers.js';
import { allLeaks, lateLeaks } from '../leaks.js';

class Vault {
  readonly #key: string;
  constructor(key: string) {
    this.#key = key;
  }
  reveal(): string {
    return this.#key;
  }
}

class Shown {
  readonly #key: string;
  constructor(key: string) {
    this.#key = key;
  }
  get key(): string {
    return this.#key;
  }
}

function* keys(): Generator<string> {
  yield KEY;
}

const holder = { key: KEY };
const named = (key: string): object => Object.assign(() => key, { apiKey: key });

/** Values that cannot be looked into, or are in use: what makes one, and how its key would be read. */
const opaque: Record<string, [make: () => object, read?: (value: never) => unknown]> = {
  'a promise of the key': [() => Promise.resolve(KEY)],
  'a promise of an object': [() => Promise.resolve({ key: KEY })],
  'a proxy': [() => new Proxy({ key: KEY }, {})],
  'a proxy that makes the key up': [
    () => new Proxy({}, { get: () => KEY }),
    (value: { anything: unknown }) => value.anything,
  ],
  'a WeakMap': [() => new WeakMap([[holder, KEY]]), (value: WeakMap<object, string>) => value.get(holder)],
  'a WeakRef': [() => new WeakRef(holder), (value: WeakRef<object>) => value.deref()],
  'a Blob': [() => new Blob([KEY])],
  'a File': [() => new File(['clean'], KEY)],
  'an instance with a private field': [() => new Vault(KEY), (value: Vault) => value.reveal()],
  'an instance with a private field and a getter': [() => new Shown(KEY)],
  'an iterator': [() => new Map([['a', KEY]]).values(), (value: Iterator<string>) => value.next().value as string],
  'a generator': [() => keys(), (value: Generator<string>) => value.next().value as string],
  'a function that carries the key': [() => named(KEY), (value: () => string) => value()],
  'a class that carries the key': [() => Object.assign(class Config extends Vault {}, { apiKey: KEY })],
  'a KeyObject': [
    () => createSecretKey(Buffer.from(KEY)),
    (value: ReturnType<typeof createSecretKey>) => value.export().toString('latin1'),
  ],
  'an aborted signal': [() => AbortSignal.abort(new Error(KEY))],
  'an AbortController': [
    () => {
      const controller = new AbortController();
      controller.abort(KEY);
      return controller;
    },
  ],
  'a stream': [() => Readable.from([KEY]), (value: Readable) => text(value)],
  'a web stream': [() => new Blob([KEY]).stream(), (value: ReadableStream) => text(value)],
  'an agent': [() => new Agent(Object.assign({ keepAlive: true }, { headers: { authorization: KEY } }))],
  'a Response': [() => new Response(KEY, { headers: { 'x-key': KEY } })],
  'a Request': [() => new Request(`http://h/?k=${encodeURIComponent(KEY)}`, { method: 'POST', body: KEY })],
};

describe.each(Object.entries(opaque))('%s on an error', (_name, [make, read]) => {
  it('gives way to a plain object from which the key cannot be had', async () => {
    const value = make();
    const error = errorWith({ value, note: KEY });
    expect(await attempt(make(), read), 'the sample must hold the key').not.toEqual([]);

    const left = scrub(error, [KEY]) as typeof error;

    expect(left).toBe(error);
    expect(left.extra.value).not.toBe(value);
    expect([Object.prototype, null]).toContain(Object.getPrototypeOf(left.extra.value));
    expect(allLeaks(left, KEY)).toEqual([]);
    expect(await attempt(left.extra.value, read)).toEqual([]);
  });

  it('gives way when it is the only thing there', async () => {
    const value = make();
    const left = scrub(errorWith(value), [KEY]) as { extra: object };
    expect(allLeaks(left, KEY)).toEqual([]);
    expect(await attempt(left.extra, read)).toEqual([]);
  });

  it('is not used up, closed or changed', async () => {
    const value = make();
    scrub(errorWith(value), [KEY]);
    scrub(errorWith({ deep: [value], note: KEY }), [KEY]);
    expect(await attempt(value, read)).not.toEqual([]);
  });
});

/** Where the key can be read from `value`, now, later or through `read`. */
async function attempt(value: object, read?: (value: never) => unknown): Promise<string[]> {
  const found = allLeaks(value, KEY);
  if (found.length > 0) return found;
  if (read !== undefined) {
    try {
      found.push(...allLeaks(await read(value as never), KEY));
    } catch {
      // No longer what it was: nothing to be read.
    }
  }
  return [...found, ...(await lateLeaks(value, KEY))];
}

describe('live and strange values', () => {
  it('are not touched: no trap of a proxy is sprung', () => {
    const sprung: string[] = [];
    const trap = new Proxy({}, { get: (_target, name) => void sprung.push(String(name)) });
    const watched = new Proxy({ key: KEY }, trap);
    scrub(errorWith({ watched, note: KEY }), [KEY]);
    expect(sprung).toEqual([]);
  });

  it('are not looked into', () => {
    const read: string[] = [];
    const probed = <T extends object>(value: T): T =>
      Object.defineProperty(value, 'probe', { get: () => void read.push(value.constructor.name), enumerable: true });
    const live = {
      request: probed(httpRequest('http://127.0.0.1:1/', { headers: { authorization: KEY } })),
      agent: probed(new Agent()),
      stream: probed(Readable.from([KEY])),
      signal: probed(AbortSignal.abort(KEY)),
      promise: probed(Promise.resolve(KEY)),
      weak: probed(new WeakMap([[holder, KEY]])),
      blob: probed(new Blob([KEY])),
      vault: probed(new Vault(KEY)),
    };
    live.request.on('error', () => undefined).destroy();
    scrub(errorWith({ ...live, note: KEY }), [KEY]);
    expect(read).toEqual([]);
  });

  it('are not touched: an unsent request can still be sent and is not changed', () => {
    const request = httpRequest('http://127.0.0.1:1/', { headers: { authorization: KEY } });
    request.on('error', () => undefined);
    scrub(Object.assign(errorWith(0), { request }), [KEY]);
    expect(request.getHeader('authorization')).toBe(KEY);
    expect(request.destroyed).toBe(false);
    request.destroy();
  });

  it('keep their listeners and are not subscribed to', () => {
    const emitter = Object.assign(new EventEmitter(), { apiKey: KEY });
    const readable = Readable.from([KEY]);
    emitter.on('x', named(KEY) as () => void);
    scrub(errorWith({ emitter, readable }), [KEY]);
    expect(emitter.eventNames()).toEqual(['x']);
    expect(readable.readableFlowing).toBe(null);
  });

  it('leave a response without the key readable by status, headers and url', () => {
    const response = new Response('{}', { status: 401, statusText: 'No', headers: { 'retry-after': '7', 'x-k': KEY } });
    const left = scrub(errorWith({ response }), [KEY]) as { extra: { response: Response } };
    const { status, statusText, headers } = left.extra.response;
    expect([status, statusText]).toEqual([401, 'No']);
    expect(headers.get('retry-after')).toBe('7');
    expect(headers.get('x-k')).toBe('[REDACTED]');
    expect(response.bodyUsed).toBe(false);
    expect(response.headers.get('x-k')).toBe(KEY);
  });

  it('leave a request without the key readable by method, url and headers', () => {
    const request = new Request(`http://h/p?k=${encodeURIComponent(KEY)}`, { method: 'PUT', headers: { a: 'b' } });
    const left = scrub(errorWith({ request }), [KEY]) as { extra: { request: Request } };
    expect(left.extra.request.method).toBe('PUT');
    expect(left.extra.request.url).toContain('http://h/p?k=');
    expect(left.extra.request.headers.get('a')).toBe('b');
    expect(request.url).toContain(encodeURIComponent(KEY));
  });
});
