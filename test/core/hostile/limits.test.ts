import { describe, expect, it } from 'vitest';
import { KeyedClient, type KeyedClientOptions } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, loadsOf, refusal, scene, testApi, testStore, watch } from '../scene.js';

const MOST = 2_147_483_647;
const longest = {
  ttl: MOST,
  refreshAhead: MOST,
  staleIfError: MOST,
  reloadCooldown: MOST,
  keyTimeout: MOST,
  timeout: MOST,
} satisfies Partial<KeyedClientOptions>;

describe('the longest durations', () => {
  it('ask no timer for more than it can wait', async () => {
    const clock = manualClock();
    const waits: number[] = [];
    const set = clock.setTimeout.bind(clock);
    const monotonic = clock.monotonic.bind(clock);
    let drift = 0.1;
    // A real monotonic clock reads fractions.
    clock.monotonic = () => monotonic() + (drift += 0.013);
    clock.setTimeout = (callback, ms, options) => {
      waits.push(ms);
      return set(callback, Math.min(ms, MOST), options);
    };
    const store = testStore(clock, { current: A });
    const api = testApi(clock, A);
    const client = new KeyedClient({
      keyProvider: store,
      clock,
      ...longest,
      retry: { minTimeout: MOST, maxTimeout: MOST },
    });

    for (let index = 0; index < 50; index++) {
      await client.withKey(api.fetch);
      await client.withKey(() => Promise.reject(refusal())).catch(() => undefined);
      await clock.advance(1_000);
    }
    client.evict();
    await client.withKey(api.fetch);
    await client.close();

    expect(waits.length).toBeGreaterThan(50);
    expect(waits.filter((ms) => ms > MOST)).toEqual([]);
  });

  it('raise no warning on the system clock', async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', onWarning);
    const clock = manualClock();
    for (let index = 0; index < 20; index++) {
      const store = testStore(clock, { current: A });
      const client = new KeyedClient({ keyProvider: store, ...longest });
      await client.withKey(() => new Promise((resolve) => setImmediate(resolve)));
      await client.close();
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);

    expect(warnings).toEqual([]);
  });

  it('keep a key alive for 24 days and let it go then', async () => {
    const { clock, store, call } = scene({ ttl: MOST, refreshAhead: 0, staleIfError: MOST });
    await call();

    await clock.advance(MOST - 1);
    await call();
    const before = loadsOf(store).length;
    await clock.advance(1);
    await call();

    expect([before, loadsOf(store).length]).toEqual([1, 2]);
  });
});

describe('the shortest durations', () => {
  it('of everything: each call gets a key that is its own', async () => {
    const { clock, store, call } = scene({
      ttl: 1,
      refreshAhead: 0,
      staleIfError: 0,
      reloadCooldown: 0,
      keyTimeout: 1,
      timeout: 1,
    });

    for (let index = 0; index < 10; index++) {
      expect(await call()).toContain(A);
      await clock.advance(1);
    }

    expect(loadsOf(store)).toHaveLength(10);
  });

  it('a key timeout of 1 ms ends a load that takes longer, and the caller hears of it', async () => {
    const { clock, store, call } = scene({ keyTimeout: 1 });
    store.latency = 5;

    const slow = watch(clock, call());
    await clock.advance(1);

    expect(slow.error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT', retryable: true });
  });

  it('a ttl of 1 ms with a window of its own loads in the background at most once a second', async () => {
    const { clock, store, call } = scene({ ttl: 1_000, refreshAhead: MOST });
    for (let index = 0; index < 200; index++) {
      watch(clock, call());
      await clock.advance(25);
    }

    expect(loadsOf(store).length).toBeLessThanOrEqual(11);
  });
});

describe('what a store says of the end of a key', () => {
  it.each<[string, object]>([
    ['`expiresAt` in the past', { expiresAt: 1 }],
    ['`expiresAt` that is no number', { expiresAt: Number.NaN }],
    ['`expiresAt` without end', { expiresAt: Infinity }],
    ['`until` in the past', { until: 1 }],
    ['no version', { version: '' }],
    ['bytes that are text', { bytes: 'key-a-00000001' }],
  ])('with %s is refused as a store error, and zeroed', async (_, more) => {
    const { client, store, call } = scene();
    const bytes = new TextEncoder().encode(A);
    store.load = async () => ({ bytes, version: 'v1', ...more });

    const error = await call().catch((caught: unknown) => caught);

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(client.status().state).toBe('backing-off');
    if ((more as { bytes?: unknown }).bytes === undefined) expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['no number', Number.NaN],
    ['text', 'tomorrow'],
  ])('with an `until` that is %s is refused as a store error', async (_, until) => {
    const { store, call } = scene();
    store.load = async () => ({ bytes: new TextEncoder().encode(A), version: 'v1', until: until as number });

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
  });

  it('a hard end holds although the store is down', async () => {
    const { clock, client, store, call } = scene({ refreshAhead: 0 });
    const until = clock.now() + 20_000;
    store.load = async () => ({ bytes: new TextEncoder().encode(A), version: 'v1', until, expiresAt: until - 10_000 });
    await call();
    store.load = () => Promise.reject(new Error('down'));
    await clock.advance(15_000);
    await call();
    await clock.advance(5_000);

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(client.status().purgeAt).toBeUndefined();
  });
});
