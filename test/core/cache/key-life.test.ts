import { channel } from 'node:diagnostics_channel';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeyedClient, KeyProviderError } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, C, loadsOf, pause, refusal, scene, testApi, testStore, timersOf, watch, zeroed } from '../scene.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const bytesOf = (key: string): Uint8Array => new TextEncoder().encode(key);
const life = { ttl: 10_000, refreshAhead: 0, staleIfError: 5_000 };

describe('the life of a key', () => {
  it.each([
    [0, 100_000],
    [0.5, 90_000],
    [1, 80_000],
  ])('is shortened by its jitter, drawn as %d, to %i ms', async (drawn, expected) => {
    vi.spyOn(Math, 'random').mockReturnValue(drawn);
    const { clock, client } = scene({ ttl: 100_000, ttlJitter: 0.2, staleIfError: 1_000 });
    await client.prefetch();
    const now = clock.now();

    expect(client.status()).toMatchObject({
      loadedAt: now,
      expiresAt: now + expected,
      purgeAt: now + expected + 1_000,
    });
  });

  it.each([
    ['`expiresAt`', { expiresAt: 3_000 }, 3_000, 8_000],
    ['`expiresAt`, where it is later than the ttl', { expiresAt: 30_000 }, 10_000, 15_000],
    ['`until`', { until: 4_000 }, 4_000, 4_000],
    ['`until`, within its stale time', { until: 12_000 }, 10_000, 12_000],
    ['`until` and `expiresAt`', { until: 6_000, expiresAt: 2_000 }, 2_000, 6_000],
  ])('ends as the store says with %s', async (_, ends, expiresIn, purgedIn) => {
    const { store, clock, client } = scene(life);
    const now = clock.now();
    const at = Object.fromEntries(Object.entries(ends).map(([name, ms]) => [name, now + ms]));
    store.load = async () => ({ bytes: bytesOf(A), version: 'v1', ...at });
    await client.prefetch();

    expect(client.status()).toMatchObject({ expiresAt: now + expiresIn, purgeAt: now + purgedIn });
  });

  it('that is over when the key comes is the store’s fault, which its error measures', async () => {
    const { store, clock, client } = scene();
    store.load = async () => ({ bytes: bytesOf(A), version: 'v7', expiresAt: clock.now() - 1_234 });

    await expect(client.prefetch()).rejects.toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      message:
        'The key store `test-store` gave a key that had expired 1234 ms before; check its clock and this host’s.'.replace(
          '’',
          "'",
        ),
      provider: 'test-store',
      version: 'v7',
    });
  });

  it('that is renewed begins at the renewal, by both clocks, without a new string', async () => {
    const { clock, client, call } = scene(life);
    await call();
    await clock.advance(4_000);
    await client.reload();
    await clock.advance(9_999);
    const fresh = client.status().state;
    await clock.advance(1);

    expect([fresh, client.status().state]).toEqual(['fresh', 'stale']);
  });
});

describe('a key expires, and is zeroed at its end', () => {
  it('to the millisecond, while nobody asks for it', async () => {
    const { store, clock, client, call } = scene(life);
    const told: unknown[] = [];
    client.on('evicted', ({ reason }) => told.push([reason, clock.monotonic() - 1]));
    await call();
    const states: string[] = [];
    for (const wait of [9_999, 1, 4_999, 1]) {
      await clock.advance(wait);
      states.push(client.status().state);
    }

    expect(states).toEqual(['fresh', 'stale', 'stale', 'empty']);
    expect(told).toEqual([['expired', 15_000]]);
    expect(loadsOf(store)).toHaveLength(1);
  });

  it('while nobody asks, by timers that hold no process', async () => {
    const { clock, client } = scene(life);
    const timers = timersOf(clock);
    await client.prefetch();
    await clock.advance(14_999);
    const before = client.status().version;
    await clock.advance(1);

    expect([before, client.status().version]).toEqual([expect.any(String), undefined]);
    // The load's own, and then the key's two ends.
    expect(timers).toEqual([
      { ms: 5_000, holds: true },
      { ms: 10_000, holds: false },
      { ms: 5_000, holds: false },
    ]);
  });

  it('by the monotonic clock, when the wall clock lags behind', async () => {
    const { clock, client, call } = scene(life);
    await call();
    clock.setWall(clock.now() - 900);
    const states: string[] = [];
    for (const wait of [9_999, 1, 4_999, 1]) {
      await clock.advance(wait);
      states.push(client.status().state);
    }

    expect(states).toEqual(['fresh', 'stale', 'stale', 'empty']);
  });

  it('by the monotonic clock also for calls that it kept on the warm path', async () => {
    const { store, clock, call } = scene(life);
    await call();
    clock.setWall(clock.now() - 900);
    await clock.advance(10_000);

    await call();

    expect(loadsOf(store)).toHaveLength(2);
  });

  it('by the wall clock, when the process was frozen', async () => {
    const { clock, client, call } = scene(life);
    await call();
    const states: string[] = [];
    for (const frozen of [9_999, 1, 4_999, 1]) {
      clock.freeze(frozen);
      states.push(client.status().state);
    }

    expect(states).toEqual(['fresh', 'stale', 'stale', 'empty']);
  });

  it('when the wall clock steps back by more than a second, and not by one', async () => {
    const states: string[] = [];
    for (const back of [1_000, 1_001]) {
      const { clock, client, call } = scene(life);
      await clock.advance(5_000);
      await call();
      clock.setWall(clock.now() - back);
      states.push(client.status().state);
    }

    expect(states).toEqual(['fresh', 'stale']);
  });

  it('once for each step back: what is loaded after it is fresh', async () => {
    const { clock, client, store, call } = scene(life);
    await clock.advance(5_000);
    await call();
    clock.setWall(clock.now() - 3_000);
    await call();
    const after = client.status().state;
    clock.setWall(clock.now() - 500);
    await call();

    expect([after, client.status().state]).toEqual(['fresh', 'fresh']);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('when another client on the same clock has noted that the wall clock stepped back', async () => {
    const { clock, store, call } = scene(life);
    await clock.advance(5_000);
    await call();
    const other = new KeyedClient({ keyProvider: testStore(clock, { current: B }), clock, ttl: 10_000 });
    clock.setWall(clock.now() - 3_000);
    await other.prefetch();
    await call();

    expect(loadsOf(store)).toHaveLength(2);
  });

  it('of every stage, each at its own time', async () => {
    const { store, clock, client, api, call } = scene(life, { current: A, previous: B });
    const ended: unknown[] = [];
    client.on('evicted', ({ stage }) => ended.push([stage, clock.monotonic() - 1]));
    await call();
    await clock.advance(2_000);
    api.live.delete(A);
    // The reload of `current` renews it; `previous` comes at the same moment and ends with it.
    await call();
    await clock.advance(3_000);
    await client.reload();
    await client.settled();
    store.failure = () => new KeyProviderError('down');
    await clock.advance(20_000);

    expect(ended).toEqual([
      ['current', 20_000],
      ['previous', 20_000],
    ]);
    expect(zeroed(store.handed)).toBe(true);
  });
});

describe('a key that is replaced while a call runs', () => {
  it('is kept for that call alone, and out of its error', async () => {
    const { store, clock, client, call } = scene();
    const running = watch(
      clock,
      client.withKey(async (context) => {
        await pause(clock, 1_000);
        throw new Error(`failed with ${context.apiKey}`);
      }),
    );
    await clock.advance(100);
    store.put('current', B);
    await client.reload();
    const next = await client.withKey(async ({ apiKey }) => apiKey);
    await clock.advance(1_000);

    expect(next).toBe(B);
    expect(running.error).toMatchObject({ message: 'failed with [REDACTED]' });
    await call().catch(() => undefined);
  });

  it('by the same bytes keeps its one string', async () => {
    const { client, call } = scene();
    await call();
    const before = client.status().fingerprint;
    await client.reload();

    expect(client.status().fingerprint).toBe(before);
    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(A);
  });
});

describe('what a client tells of its keys', () => {
  it('goes to each client of the store under its own name, and once to the channel', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const api = testApi(clock, A);
    const told: string[] = [];
    const published: unknown[] = [];
    const onMessage = (payload: unknown): void => void published.push((payload as { name: string }).name);
    const clients = ['one', 'two'].map((name) => new KeyedClient({ keyProvider: store, clock, name }));
    for (const client of clients) client.on('loaded', ({ name }) => told.push(name));
    channel('goldkey:loaded').subscribe(onMessage);

    await clients[1]?.withKey(api.fetch);
    channel('goldkey:loaded').unsubscribe(onMessage);

    expect(told).toEqual(['one', 'two']);
    expect(published).toEqual(['one']);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('names version and moment, and no version where none is held', async () => {
    const { store, clock, client, call } = scene();
    const told: object[] = [];
    client.on('load-failed', (event) => told.push(event));
    client.on('key-rejected', (event) => told.push(event));
    store.failure = () => new KeyProviderError('down');
    await call().catch(() => undefined);
    store.failure = undefined;
    await clock.advance(1_000);
    await client.withKey(() => Promise.reject(refusal()), { once: true }).catch(() => undefined);

    expect(told[0]).toMatchObject({
      name: 'test-store',
      provider: 'test-store',
      stage: 'current',
      at: 1_700_000_000_000,
    });
    expect('version' in (told[0] ?? {})).toBe(false);
    expect(told[1]).toEqual({
      name: 'test-store',
      provider: 'test-store',
      stage: 'current',
      version: 'v1',
      count: 1,
      at: 1_700_000_001_000,
    });
  });
});

describe('the versions that a store is told of', () => {
  it('are those held in any stage', async () => {
    const { store, clock, client, api, call } = scene({ ttl: 10_000, refreshAhead: 0 }, { current: A, previous: B });
    store.roll({ id: 'one', pendingPercent: 0 });
    store.put('pending', C);
    api.live.clear();
    api.live.add(C);
    await call();
    await clock.advance(10_001);
    store.asked.length = 0;
    await client.prefetch();

    expect(store.asked[0]?.known?.toSorted()).toEqual(['v1', 'v2', 'v3']);
  });
});
