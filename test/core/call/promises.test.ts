import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import got from 'got';
import { describe, expect, it } from 'vitest';
import { KeyedClient, type KeyContext } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';
import { A, B, refusal, scene, unhandledIn } from '../scene.js';

/** It brings no types: as much of it as is used here. */
const superagent = createRequire(import.meta.url)('superagent') as {
  get(url: string): { query(query: object): PromiseLike<unknown> };
};

type Run = () => Promise<string>;
/** What `withKey` takes, by its types. */
type Call = (context: KeyContext) => Promise<string>;

/** A promise class as p-cancelable makes one: `instanceof Promise`, without being one. */
class Cancelable {
  readonly #promise: Promise<string>;

  constructor(run: Run) {
    this.#promise = run();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- what it is about
  then(onResult: (result: string) => unknown, onError: (error: unknown) => unknown): Promise<unknown> {
    return this.#promise.then(onResult, onError);
  }
}
Object.setPrototypeOf(Cancelable.prototype, Promise.prototype);

/** A promise class that starts when it is first waited for, as p-lazy's. */
class Lazy extends Promise<string> {
  readonly #run: Run;

  constructor(run: Run) {
    super(() => undefined);
    this.#run = run;
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- what it is about
  override then<R, E>(
    onResult?: ((result: string) => R | PromiseLike<R>) | null,
    onError?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.#run().then(onResult, onError) as Promise<R | E>;
  }
}

/** A native promise with a property that is not a promise's. */
function withProperty(run: Run, name: string, property: PropertyDescriptor): Promise<string> {
  const promise = run();
  // Whoever never waits for it: its rejection is not the test's subject.
  promise.catch(() => undefined);
  return Object.defineProperty(promise, name, property) as Promise<string>;
}

const says = (key: string): never => {
  throw new Error(`never with ${key}`);
};

const kinds: Array<[string, (run: Run, key: string) => PromiseLike<string>]> = [
  ['a native promise', (run) => run()],
  ['a native promise whose own `then` does nothing', (run) => withProperty(run, 'then', { value: () => undefined })],
  ['a native promise whose own `then` throws', (run, key) => withProperty(run, 'then', { value: () => says(key) })],
  ['a native promise whose `then` cannot be read', (run, key) => withProperty(run, 'then', { get: () => says(key) })],
  [
    'a native promise whose `constructor` cannot be read',
    (run, key) => withProperty(run, 'constructor', { get: () => says(key) }),
  ],
  [
    'a native promise whose species cannot be read',
    (run, key) =>
      withProperty(run, 'constructor', {
        value: {
          get [Symbol.species]() {
            return says(key);
          },
        },
      }),
  ],
  ['a promise that only looks like one', (run) => new Cancelable(run) as unknown as PromiseLike<string>],
  ['a promise that starts when it is waited for', (run) => new Lazy(run)],
  [
    'a proxy of a promise',
    (run) => {
      const promise = run();
      promise.catch(() => undefined);
      return new Proxy(promise, {});
    },
  ],
  [
    'a thenable that calls back twice',
    (run) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- what it is about
      then: ((onResult: (result: string) => void, onError: (error: unknown) => void) => {
        void run()
          .then(onResult, onError)
          .then(() => onError(new Error('once more')));
        return undefined as never;
      }) as Promise<string>['then'],
    }),
  ],
  [
    'a thenable whose `then` cannot be read',
    // oxlint-disable-next-line unicorn/no-thenable -- what it is about
    (_, key) => Object.defineProperty({}, 'then', { get: () => says(key) }) as PromiseLike<string>,
  ],
];

/** How it ends for `await`: a value, or an error's message without the key. */
async function endOf(promise: () => PromiseLike<string>, keys: readonly string[]): Promise<string> {
  try {
    return `value ${await promise()}`;
  } catch (error) {
    const cause = (error as Error).cause as Error | undefined;
    let message = `error ${(cause ?? (error as Error)).message}`;
    for (const key of keys) message = message.replaceAll(key, '[REDACTED]');
    return message;
  }
}

describe.each(kinds)("a caller's function that returns %s", (_, make) => {
  it.each(['warm', 'cold'])('ends as `await` makes of it, on a %s key', async (state) => {
    const { client } = scene();
    if (state === 'warm') await client.prefetch();
    const expected = await endOf(() => make(async () => 'price', A), [A]);
    let ended: string | undefined;

    const unhandled = await unhandledIn(async () => {
      ended = await endOf(() => client.withKey((({ apiKey }) => make(async () => 'price', apiKey)) as Call), []);
    });

    expect(ended).toBe(expected);
    expect(unhandled).toEqual([]);
    await client.close();
  });

  it.each(['warm', 'cold'])('is repaired where `await` sees the refusal, on a %s key', async (state) => {
    const { client, store } = scene();
    if (state === 'warm') await client.prefetch();
    const run =
      (key: string): Run =>
      () =>
        key === B ? Promise.resolve('price') : Promise.reject(refusal(`no ${key}`));
    const first = await endOf(() => make(run(A), A), [A]);
    const expected = first === 'error no [REDACTED]' ? await endOf(() => make(run(B), B), [B]) : first;
    let ended: string | undefined;

    const unhandled = await unhandledIn(async () => {
      ended = await endOf(
        () =>
          client.withKey((({ apiKey }) => {
            store.put('current', B);
            return make(run(apiKey), apiKey);
          }) as Call),
        [],
      );
    });

    expect(ended).toBe(expected);
    expect(unhandled).toEqual([]);
    await client.close();
  });
});

describe('a real client returned without `await`', () => {
  it.each<[string, (url: string, context: KeyContext) => PromiseLike<unknown>]>([
    ['got', (url, { apiKey }) => got(`${url}?access_key=${apiKey}`, { retry: { limit: 0 } }).json()],
    ['got, not parsed', (url, { apiKey }) => got(url, { headers: { 'x-access-token': apiKey }, retry: { limit: 0 } })],
    ['superagent', (url, { apiKey }) => superagent.get(url).query({ access_key: apiKey })],
  ])('%s: refused, repaired, and its own error without the key', async (_, fetchPrice) => {
    let live = A;
    const seen: number[] = [];
    const server = createServer((request, response) => {
      const sent = `${request.url ?? ''} ${String(request.headers['x-access-token'])}`;
      const status = live === '' ? 403 : sent.includes(live) ? 200 : 401;
      seen.push(status);
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"price":1}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
    const keys = memoryKeyProvider({ current: A });
    const client = new KeyedClient({ keyProvider: keys });
    const call = (): Promise<unknown> => client.withKey(((context) => fetchPrice(url, context)) as Call);
    const shown: string[] = [];

    const unhandled = await unhandledIn(async () => {
      await call();
      live = B;
      keys.set('current', B);
      await call();
      live = '';
      await call().catch((error: unknown) => shown.push(inspect(error, { depth: 9 }), String((error as Error).stack)));
    });

    expect(seen).toEqual([200, 401, 200, 403]);
    expect(unhandled).toEqual([]);
    expect(shown).toHaveLength(2);
    expect(shown.join('\n')).not.toContain(B);
    await client.close();
    server.closeAllConnections();
    server.close();
  });
});
