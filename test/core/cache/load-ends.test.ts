import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, type KeyedClientOptions, type LoadedKey, type Rollout } from '../../../src/index.js';
import { A, B, C, loadsOf, pause, scene, watch, type Scene } from '../scene.js';

/** A client whose `pending` key is in use, and whose store takes `slow` ms for that stage alone. */
async function withSlowPending(slow: number, options: Partial<KeyedClientOptions> = {}): Promise<Scene> {
  const play = scene(options, { current: A, pending: B });
  const { store, clock } = play;
  store.roll({ id: 'one', pendingPercent: 100 });
  await play.call();
  const load = store.load.bind(store);
  store.load = async (request) => {
    if (request.stage === 'pending') await pause(clock, slow, request.signal);
    return load(request);
  };
  return play;
}

describe('loads of two stages at once', () => {
  it('are both aborted when the client closes, also the one that outlives the other', async () => {
    const { store, clock, client } = await withSlowPending(5_000);
    let aborted: unknown;
    const load = store.load.bind(store);
    store.load = (request) => {
      if (request.stage === 'pending')
        request.signal.addEventListener('abort', () => (aborted = request.signal.reason));
      return load(request);
    };
    watch(clock, client.reload());
    await clock.advance(1_000);
    const before = client.status().loading;

    const closing = watch(clock, client.close());
    await clock.advance(0);

    expect(before).toBe(true);
    expect(aborted).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(closing.state).toBe('resolved');
  });
});

describe('a load that an eviction has overtaken', () => {
  it('ends without a word about the load that came after it: nobody starts a third', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 1_500;
    const first = watch(clock, call());
    await clock.advance(800);
    client.evict();
    const second = watch(clock, call());
    await clock.advance(800);
    const between = [first.state, second.state, client.status().loading];
    const third = watch(clock, call());
    await clock.advance(3_000);

    expect(between).toEqual(['resolved', 'pending', true]);
    expect([second.value, third.value]).toEqual([`price by ${A}`, `price by ${A}`]);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('tells nobody of its rollout, whether it brings a key or fails', async () => {
    for (const failure of [undefined, () => new Error('down')]) {
      const { store, clock, client, call } = scene();
      const told: unknown[] = [];
      client.on('rollout-changed', (event) => told.push(event));
      store.latency = 100;
      store.failure = failure;
      store.roll({ id: 'one', pendingPercent: 50 });
      watch(clock, call());
      await clock.advance(10);
      client.evict();
      await clock.advance(90);

      expect(told).toEqual([]);
    }
  });

  it('starts no other once the client has closed', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 100;
    watch(clock, call());
    await clock.advance(10);
    client.evict();
    const closing = watch(clock, client.close({ signal: AbortSignal.abort() }));
    await clock.advance(5_000);

    expect(closing.state).toBe('resolved');
    expect(client.status().counts.loads).toBe(1);
  });
});

describe('a load that ends because the client closes', () => {
  it('counts as no failure', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 100;
    const waiting = watch(clock, call());
    await clock.advance(10);
    watch(clock, client.close({ signal: AbortSignal.abort() }));
    await clock.advance(0);

    expect(waiting.error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(client.status().counts).toMatchObject({ loads: 1, loadFailures: 0 });
  });

  it('caches nothing of what had come', async () => {
    const { store, clock, client } = scene();
    store.rollout = () => new Promise<never>(() => undefined);
    const waiting = watch(clock, client.prefetch());
    await clock.advance(10);
    watch(clock, client.close({ signal: AbortSignal.abort() }));
    await clock.advance(0);

    expect(waiting.error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(client.status()).not.toHaveProperty('version');
  });
});

describe('a rollout beside a key that cannot be loaded', () => {
  it('is followed all the same', async () => {
    const { store, client } = scene();
    const told: unknown[] = [];
    client.on('rollout-changed', ({ pendingPercent }) => told.push(pendingPercent));
    store.failure = () => new Error('down');
    store.roll({ id: 'one', pendingPercent: 50 });
    await client.prefetch().catch(() => undefined);

    expect(told).toEqual([50]);
  });
});

describe('half a rollout', () => {
  it.each<[string, object]>([
    ['without an id', { pendingPercent: 100 }],
    ['whose id is a number', { id: 1, pendingPercent: 100 }],
    ['without a share', { id: 'one' }],
    ['whose share is a text', { id: 'one', pendingPercent: '100' }],
    ['whose share is no number', { id: 'one', pendingPercent: Number.NaN }],
  ])('%s is none: the last one stays', async (_, rollout) => {
    const { store, clock, client, call } = scene({}, { current: A, pending: B });
    const told: unknown[] = [];
    client.on('rollout-changed', ({ pendingPercent }) => told.push(pendingPercent));
    store.rollout = async () => rollout as Rollout;
    const before = await call();
    for (const next of [{ id: 'one', pendingPercent: 100 }, rollout]) {
      store.rollout = async () => next as Rollout;
      watch(clock, client.reload());
      await clock.advance(1_000);
    }

    expect([before, await call()]).toEqual([`price by ${A}`, `price by ${B}`]);
    expect(told).toEqual([100]);
  });
});

describe('a failure for good', () => {
  const denied = (version?: string) => () => new KeyAccessDeniedError('no', { provider: 'test-store', version });

  it.each<[string, string, Rollout | undefined, string | undefined, string[]]>([
    [
      'of the version that is held, within a rollout',
      'takes the key away',
      { id: 'one', pendingPercent: 0 },
      'v1',
      ['v1'],
    ],
    ['of another version, within a rollout', 'leaves the key', { id: 'one', pendingPercent: 0 }, 'v7', []],
    ['of no version, within a rollout', 'takes the key away', { id: 'one', pendingPercent: 0 }, undefined, ['v1']],
    ['of another version, without a rollout', 'takes the key away', undefined, 'v7', ['v1']],
    ['of no version, without a rollout', 'takes the key away', undefined, undefined, ['v1']],
  ])('%s, %s', async (_, __, rollout, version, evicted) => {
    const { store, clock, client } = scene();
    if (rollout !== undefined) store.roll(rollout);
    await client.prefetch();
    const told: unknown[] = [];
    client.on('evicted', (event) => told.push(event.version));
    store.failure = denied(version);
    watch(clock, client.reload());
    await clock.advance(1_000);

    expect(told).toEqual(evicted);
  });
});

describe('a failure for good where no key is held', () => {
  it('is the store’s error also when it is about one version of a rollout', async () => {
    const { store, client } = scene();
    const failure = new KeyAccessDeniedError('no', { provider: 'test-store', version: 'v1' });
    store.roll({ id: 'one', pendingPercent: 0 });
    store.failure = () => failure;

    await expect(client.prefetch()).rejects.toBe(failure);
    expect(client.status().loading).toBe(false);
  });
});

describe('a key that cannot be used', () => {
  it.each<[string, Partial<LoadedKey>]>([
    ['too short', { bytes: new TextEncoder().encode('short') }],
    ['not of bytes', { bytes: 'a text instead of bytes' as never }],
  ])('%s: the error names the store and the version', async (_, answer) => {
    const { store, client } = scene();
    store.load = async () => ({ bytes: new TextEncoder().encode(C), version: 'v5', ...answer });

    await expect(client.prefetch()).rejects.toMatchObject({ provider: 'test-store', version: 'v5' });
  });
});
