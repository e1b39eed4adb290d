import { createHash } from 'node:crypto';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeyAccessDeniedError, KeyedClient, KeyProviderError, type Stage } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, C, loadsOf, pause, scene, testApi, testStore, timersOf, watch, type TestStore } from '../scene.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** The store fails for these stages only. */
function failFor(store: TestStore, failures: Partial<Record<Stage, () => unknown>>): void {
  const load = store.load.bind(store);
  store.load = async (request) => {
    const failure = failures[request.stage];
    if (failure === undefined) return load(request);
    store.asked.push({ stage: request.stage, at: -1, known: request.known });
    throw failure();
  };
}

const denied = (): Error => new KeyAccessDeniedError('no');
const down = (): Error => new KeyProviderError('down');
const stages = (store: TestStore): Stage[] => store.asked.map(({ stage }) => stage);

describe('a client whose stage cannot be loaded', () => {
  it('for good uses `previous`', async () => {
    const { store, call } = scene({}, { current: A, previous: B });
    failFor(store, { current: denied });

    expect(await call()).toBe(`price by ${B}`);
    expect(stages(store)).toEqual(['current', 'previous']);
  });

  it('for good, and has no `previous`, gets the error of its own stage', async () => {
    const { store, call } = scene();
    failFor(store, { current: denied });

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', message: 'no' });
    expect(stages(store)).toEqual(['current', 'previous']);
  });

  it('for good uses `pending` last, where a rollout was known before', async () => {
    const { store, client, call } = scene({}, { current: A, pending: C });
    store.roll({ id: 'one', pendingPercent: 0 });
    await client.prefetch();
    failFor(store, { current: denied });
    await client.reload().catch(() => undefined);
    store.asked.length = 0;

    expect(await call()).toBe(`price by ${C}`);
    expect(stages(store)).toEqual(['previous', 'pending']);
  });

  it('for a while does not look elsewhere: the store may be back with its next load', async () => {
    const { store, call } = scene({}, { current: A, previous: B });
    failFor(store, { current: down });

    await expect(call()).rejects.toMatchObject({ message: 'down' });
    expect(stages(store)).toEqual(['current']);
  });

  it.each([
    ['a while', down],
    ['good', denied],
  ])('and is that of the canary, for %s, uses `current` and then `previous`', async (_, failure) => {
    const { store, client, call } = scene({}, { current: A, pending: C, previous: B });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    failFor(store, { pending: failure });

    expect(await call()).toBe(`price by ${A}`);
    failFor(store, { pending: failure, current: denied });
    client.evict();
    expect(await call()).toBe(`price by ${B}`);
  });
});

describe('a client without a key', () => {
  it('holds the process until its load has ended, because a caller waits for it', async () => {
    const { clock, call } = scene({ keyTimeout: 4_321 });
    const timers = timersOf(clock);
    await call();

    expect(timers).toContainEqual({ ms: 4_321, holds: true });
  });
});

describe('a client that no stage has a key for', () => {
  it('asks for each once a call, however long the others take to fail', async () => {
    const { store, clock, client, call } = scene({ keyTimeout: 30_000 }, { current: A, pending: C });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    client.evict();
    await clock.advance(1_000);
    failFor(store, { current: denied, previous: denied, pending: denied });
    const load = store.load.bind(store);
    store.load = async (request) => {
      if (request.stage !== 'pending') await pause(clock, 3_000);
      return load(request);
    };
    store.asked.length = 0;
    const failed = watch(clock, call());
    await clock.advance(10_000);

    expect(failed.error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
    expect(stages(store)).toEqual(['pending', 'current', 'previous']);
  });

  it('but a `previous` that is refused is told of the refusal', async () => {
    const { store, api, call } = scene({}, { current: A, previous: B });
    failFor(store, { current: denied });
    api.live.clear();

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED', version: 'v1' });
    expect(api.calls).toEqual([B]);
  });
});

describe('a stage that is preferred', () => {
  it('is preferred no more once its key is gone, and the call goes on with its own', async () => {
    const { store, clock, api, client, call } = scene(
      { ttl: 10_000, refreshAhead: 0, staleIfError: 0 },
      { current: A, previous: B },
    );
    api.live.delete(A);
    await call();
    await clock.advance(1_000);
    store.put('previous', undefined);
    api.live.add(A);
    await client.reload();
    await client.settled();
    api.calls.length = 0;

    expect(await call()).toBe(`price by ${A}`);
    expect(api.calls).toEqual([A]);
  });

  it('and whose key is found to be gone by the call itself leaves that call its own key', async () => {
    const { store, clock, api, call } = scene(
      { ttl: 10_000, refreshAhead: 0, staleIfError: 0 },
      { current: A, previous: B },
    );
    api.live.delete(A);
    await call();
    store.put('previous', undefined);
    api.live.add(A);
    await clock.advance(10_001);
    store.asked.length = 0;

    expect(await call()).toBe(`price by ${A}`);
    expect(stages(store)).toContain('previous');
  });

  it('is asked for in place of one’s own, which is kept up with behind it', async () => {
    const { store, clock, api, call } = scene({ ttl: 10_000, refreshAhead: 0 }, { current: A, previous: B });
    api.live.delete(A);
    await call();
    store.asked.length = 0;
    await clock.advance(10_001);
    store.latency = 100;

    const next = watch(clock, call());
    await clock.advance(0);

    expect([...stages(store)].toSorted()).toEqual(['current', 'previous']);
    await clock.advance(1_000);
    expect(next.state).toBe('resolved');
  });
});

describe('the instances that take part in a canary', () => {
  /** Where an instance stands from 0 to 100. */
  const place = (id: string): number => (createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32) * 100;

  const stageAt = async (pendingPercent: number, instanceId: string | undefined): Promise<string> => {
    const { store, client } = scene({ instanceId }, { current: A, pending: B });
    store.roll({ id: 'one', pendingPercent });
    await client.prefetch();
    return client.withKey(async ({ stage }) => stage);
  };

  it('are those whose place, by a hash of their id, lies below the share', async () => {
    for (const id of ['one', 'two', 'three']) {
      expect(await stageAt(place(id), id)).toBe('current');
      expect(await stageAt(place(id) + 0.001, id)).toBe('pending');
    }
  });

  it('are all of one process or none, without an id', async () => {
    for (const share of [20, 50, 80]) {
      const seen = new Set<string>();
      for (let index = 0; index < 8; index++) seen.add(await stageAt(share, undefined));

      expect(seen.size).toBe(1);
    }
  });

  it('are none at 0 %, and none below it', async () => {
    expect(await stageAt(0, 'one')).toBe('current');
    expect(await stageAt(-1, 'one')).toBe('current');
  });
});

describe('a client that uses `pending`', () => {
  it('learns that the rollout was taken back, which the store tells with `current`, when its key is due', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 }, { current: A, pending: C });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    const before = await call();
    store.roll({ id: 'one', pendingPercent: 0 });
    await clock.advance(10_001);
    await call();
    await client.settled();

    expect([before, await call()]).toEqual([`price by ${C}`, `price by ${A}`]);
  });
});

describe('a client that comes to a store with a rollout', () => {
  it('takes part from its first call on', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A, pending: B });
    const api = testApi(clock, A, B);
    store.roll({ id: 'one', pendingPercent: 100 });
    const first = new KeyedClient({ keyProvider: store, clock });
    await first.prefetch();
    const second = new KeyedClient({ keyProvider: store, clock });

    expect(await second.withKey(api.fetch)).toBe(`price by ${B}`);
    expect(loadsOf(store)).toHaveLength(1);
  });
});

describe('a key that was replaced', () => {
  it('does not serve as `previous` before the store has said that it is, however slow the store', async () => {
    const { store, clock, api, client } = scene({}, { current: A });
    store.roll({ id: 'one', pendingPercent: 0 });
    await client.prefetch();
    store.put('current', B);
    await client.reload();
    store.latency = 1_000;

    const call = watch(clock, client.withKey(api.fetch));
    await clock.advance(5_000);

    expect(call).toMatchObject({ state: 'rejected', error: { code: 'ERR_GOLDKEY_REJECTED' } });
    expect(api.calls).toEqual([B]);
  });
});
