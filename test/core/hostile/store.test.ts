import { describe, expect, it } from 'vitest';
import { KeyedClient, KeyProviderError, type KeyProvider, type LoadedKey } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, pause, scene, testStore, unhandledIn, watch, zeroed } from '../scene.js';

const bytesOf = (key: string): Uint8Array => new TextEncoder().encode(key);
const key = async ({ apiKey }: { apiKey: string }): Promise<string> => apiKey;

/** Transfers the bytes away, as a provider that posts them to a worker does. */
function detach(bytes: Uint8Array): Uint8Array {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
  return bytes;
}

class Unfillable extends Uint8Array {
  override fill(): this {
    throw new Error('no');
  }
}

describe('a store that misbehaves', () => {
  it.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a string', () => 'down'],
    ['a frozen error', () => Object.freeze(new Error('down'))],
    ['an error of another copy', () => Object.assign(new Error('x'), { [Symbol.for('goldkey.error')]: true })],
  ])('throws %s: every caller gets an error, and the next load heals', async (_, thrown) => {
    const { store, clock, call } = scene();
    store.failure = thrown;

    const first = watch(clock, call());
    const second = watch(clock, call());
    await clock.advance(0);
    store.failure = undefined;
    await clock.advance(1_001);
    const third = await call();

    expect([first.state, second.state]).toEqual(['rejected', 'rejected']);
    expect(third).toContain(A);
  });

  it('throws synchronously: that is a failed load like any other', async () => {
    const clock = manualClock();
    const keyProvider: KeyProvider = {
      name: 'sync',
      load() {
        throw new KeyProviderError('at once');
      },
    };
    const client = new KeyedClient({ keyProvider, clock });

    await expect(client.withKey(key)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: 'at once' });
    await client.close();
  });

  it.each<[string, () => Uint8Array]>([
    ['detached', () => detach(bytesOf(A))],
    ['of a class that refuses to be filled', () => new Unfillable(bytesOf(A))],
  ])('answers too late with bytes that are %s: nothing is left unhandled', async (_, bytes) => {
    const clock = manualClock();
    const keyProvider: KeyProvider = {
      name: 'late',
      async load() {
        await pause(clock, 200);
        return { bytes: bytes(), version: 'v1' };
      },
    };
    const client = new KeyedClient({ keyProvider, clock, keyTimeout: 100 });

    const unhandled = await unhandledIn(async () => {
      const call = watch(clock, client.withKey(key));
      await clock.advance(1_000);
      expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
    });

    expect(unhandled).toEqual([]);
  });

  it('answers with detached bytes: the error says what is wrong with the key', async () => {
    const keyProvider = { name: 'detached', load: async () => ({ bytes: detach(bytesOf(A)), version: 'v1' }) };
    const client = new KeyedClient({ keyProvider });

    await expect(client.withKey(key)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
  });

  it('throws an error that cannot be looked at: the callers get an error and nothing is left unhandled', async () => {
    const { store, clock, client, call } = scene();
    store.failure = () =>
      new Proxy(new Error('x'), {
        get() {
          throw new Error('trap');
        },
      });
    let first = watch(clock, call());
    let later = first;

    const unhandled = await unhandledIn(async () => {
      await clock.advance(1);
      first = watch(clock, call());
      later = watch(clock, client.prefetch().then(String));
      await clock.advance(10);
    });

    expect(unhandled).toEqual([]);
    expect([first.state, later.state]).toEqual(['rejected', 'rejected']);
  });

  it('throws an error class with a constructor of its own: callers inside the back-off get it too', async () => {
    class StoreError extends KeyProviderError {
      constructor(response: { status: number }) {
        super(`The store said ${response.status.toFixed()}.`);
      }
    }
    const { store, clock, call } = scene();
    store.failure = () => new StoreError({ status: 500 });
    const first = watch(clock, call());
    await clock.advance(1);
    let second = first;

    const unhandled = await unhandledIn(async () => {
      second = watch(clock, call());
      await clock.advance(1);
    });

    expect(first.error).toMatchObject({ message: 'The store said 500.' });
    expect(unhandled).toEqual([]);
    expect(second.state).toBe('rejected');
    expect(second.error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
  });

  it('answers after its time was up: the bytes are zeroed and the late key is not used', async () => {
    const { store, clock, call } = scene({ keyTimeout: 100 });
    const late: Uint8Array[] = [];
    store.load = async () => {
      await pause(clock, 500);
      const bytes = bytesOf(A);
      late.push(bytes);
      return { bytes, version: 'v1' };
    };

    const first = watch(clock, call());
    await clock.advance(100);
    const stateThen = first.state;
    await clock.advance(500);

    expect(stateThen).toBe('rejected');
    expect(first.error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
    expect(late).toHaveLength(1);
    expect(zeroed(late)).toBe(true);
  });

  it('hands over the same array again: zeroed as it is, it is no key, and nobody is given zeros', async () => {
    const { store, clock, call, api } = scene({ ttl: 1_000, refreshAhead: 0, staleIfError: 0 });
    const bytes = bytesOf(A);
    store.load = async () => ({ bytes, version: 'v1' });
    await call();
    await clock.advance(1_001);

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });

    expect(api.calls).toEqual([A]);
  });

  it('answers with a thenable: it is awaited', async () => {
    const { store, client } = scene();
    // oxlint-disable-next-line unicorn/no-thenable -- what some stores return
    const thenable = { then: (done: (loaded: LoadedKey) => void) => done({ bytes: bytesOf(B), version: 'v9' }) };
    store.load = () => thenable as unknown as Promise<LoadedKey>;

    expect(await client.withKey(key)).toBe(B);
  });
});

describe('a store that uses the client while it is asked', () => {
  it('a call made inside `load` shares that load', async () => {
    const { store, clock, client, call } = scene();
    const load = store.load.bind(store);
    const inner: Array<ReturnType<typeof watch>> = [];
    store.load = (request) => {
      if (inner.length === 0) inner.push(watch(clock, client.prefetch()), watch(clock, client.withKey(key)));
      return load(request);
    };

    const outer = watch(clock, call());
    await clock.advance(1);

    expect(outer.state).toBe('resolved');
    expect(inner.map(({ state }) => state)).toEqual(['resolved', 'resolved']);
  });

  it('a reload asked for inside `load` does not end all reloads', async () => {
    const { store, clock, client, call } = scene();
    const load = store.load.bind(store);
    let inner: ReturnType<typeof watch> | undefined;
    store.load = (request) => {
      inner ??= watch(clock, client.reload());
      return load(request);
    };

    await call();
    await clock.advance(2_000);
    const later = watch(clock, client.reload());
    await clock.advance(2_000);

    expect(inner?.state).toBe('resolved');
    expect(later.state).toBe('resolved');
  });

  it('an eviction inside `load` costs its callers nothing', async () => {
    const { store, clock, client, call } = scene();
    const load = store.load.bind(store);
    store.load = (request) => {
      client.evict();
      return load(request);
    };

    const calls = [watch(clock, call()), watch(clock, call())];
    await clock.advance(3_000);

    expect(calls.map(({ state }) => state)).toEqual(['resolved', 'resolved']);
  });

  it('a close inside `load` lets the caller finish', async () => {
    const { store, clock, client, call } = scene();
    const load = store.load.bind(store);
    let closing: ReturnType<typeof watch> | undefined;
    store.load = (request) => {
      closing ??= watch(clock, client.close());
      return load(request);
    };

    const outer = watch(clock, call());
    await clock.advance(1);

    expect(outer.state).toBe('resolved');
    expect(closing?.state).toBe('resolved');
    expect(store.closes).toBe(1);
    expect(zeroed(store.handed)).toBe(true);
  });
});

describe('a store that says `unchanged`', () => {
  it('of a key that was purged while it was asked: the key is read again and nobody fails', async () => {
    const { store, clock, call } = scene({ ttl: 1_000, refreshAhead: 500, staleIfError: 0 });
    await call();
    store.latency = 300;
    await clock.advance(900);
    await call(); // starts the background load, with `known`
    await clock.advance(150); // the key has ended; its load has not

    const waiting = watch(clock, call());
    await clock.advance(1_000);

    expect(waiting.state).toBe('resolved');
  });

  it('is asked again within the same `keyTimeout`', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 5_000, staleIfError: 0 });
    await call();
    await clock.advance(9_000);
    store.latency = 3_000;
    await call(); // starts the background load, with `known`
    await clock.advance(1_100);
    const waiting = watch(clock, client.withKey(key));
    await clock.advance(3_900);

    expect(waiting.error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
  });

  it('of a key that was evicted while it was asked: who waited gets the key', async () => {
    const { store, clock, client, call } = scene({ ttl: 1_000, refreshAhead: 0, staleIfError: 5_000 });
    await call();
    store.latency = 100;
    await clock.advance(1_001);
    const waiting = watch(clock, call());
    client.evict();
    await clock.advance(2_000);

    expect(waiting.state).toBe('resolved');
  });

  it('does not lift the hard end of a key', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    const until = clock.now() + 15_000;
    store.load = async ({ known }) =>
      known?.includes('v1') === true ? { unchanged: true, version: 'v1' } : { bytes: bytesOf(A), version: 'v1', until };
    await call();
    await clock.advance(10_001);

    await call();

    expect(client.status().purgeAt).toBeLessThanOrEqual(until);
  });
});

describe('a rollout that misbehaves', () => {
  it.each<[string, () => Promise<never>]>([
    ['null', async () => null as never],
    ['a string', async () => 'all of it' as never],
    [
      'a throwing getter',
      async () =>
        Object.defineProperty({}, 'id', {
          get: () => {
            throw new Error('no');
          },
        }) as never,
    ],
  ])('answered by %s does not take the key away', async (_, rollout) => {
    const { store, client, call } = scene();
    store.rollout = rollout;

    expect(await call()).toContain(A);
    expect(client.status()).toMatchObject({ state: 'fresh', counts: { loads: 1, loadFailures: 0, stale: 0 } });
  });

  it('that does not answer neither withholds the key nor leaves its bytes behind', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    store.rollout = () => new Promise(() => undefined);
    const client = new KeyedClient({ keyProvider: store, clock, keyTimeout: 1_000 });

    const call = watch(clock, client.withKey(key));
    await clock.advance(1_001);
    await client.close();

    expect(store.handed.length).toBeGreaterThan(0);
    expect(zeroed(store.handed)).toBe(true);
    expect(call.state).not.toBe('pending');
  });
});
