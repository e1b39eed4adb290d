import { describe, expect, it, vi } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import { A, B, C, loadsOf, refusal, scene, timersOf, watch, type Scene } from '../scene.js';

const KEY_TIMEOUT = 4_321;

describe('reload()', () => {
  it('reads every stage that is held again, and waits for `current` alone', async () => {
    const { store, clock, client, api, call } = scene({ keyTimeout: KEY_TIMEOUT }, { current: A, previous: B });
    api.live.delete(A);
    await call();
    store.put('previous', C);
    api.live.add(C).delete(B);
    const timers = timersOf(clock);

    await client.reload();
    await client.settled();

    expect([loadsOf(store).length, loadsOf(store, 'previous').length, loadsOf(store, 'pending').length]).toEqual([
      3, 2, 0,
    ]);
    expect(timers.filter(({ ms }) => ms === KEY_TIMEOUT).map(({ holds }) => holds)).toEqual([false, true]);
    expect(await call()).toBe(`price by ${C}`);
  });

  it('starts no second load of a stage that is being loaded', async () => {
    const { store, clock, client, api, call } = scene(
      { ttl: 10_000, refreshAhead: 5_000 },
      { current: A, previous: B },
    );
    api.live.delete(A);
    await call();
    await clock.advance(6_000);
    store.latency = 2_000;
    await call(); // `previous` is preferred: its background load starts
    expect(loadsOf(store, 'previous')).toHaveLength(2);

    const reload = watch(clock, client.reload());
    await clock.advance(10_000);

    expect(reload.state).toBe('resolved');
    expect(loadsOf(store, 'previous')).toHaveLength(2);
  });

  it('follows a load of `current` that is under way with one of its own', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 100;
    const first = watch(clock, call());
    await clock.advance(50);
    const reload = watch(clock, client.reload());
    await clock.advance(1_000);

    expect([first.at, reload.at]).toEqual([101, 201]);
    expect(store.asked.map(({ known }) => known)).toEqual([undefined, undefined]);
  });

  it('has a stage that had no key asked again', async () => {
    const { store, clock, client, api, call } = scene();
    await call();
    api.live.clear();
    await call().catch(() => undefined);
    store.put('previous', B);
    api.live.add(B);
    await clock.advance(6_000);
    await call().catch(() => undefined);
    const before = loadsOf(store, 'previous').length;

    await client.reload();

    expect(loadsOf(store, 'previous')).toHaveLength(before);
    expect(await call()).toBe(`price by ${B}`);
    expect([before, loadsOf(store, 'previous').length]).toEqual([1, 2]);
  });

  it('neither makes a key suspect nor starts a cooldown', async () => {
    const { store, client, api, call } = scene();
    await call();
    await client.reload();
    store.put('current', B);
    api.live.clear();
    api.live.add(B);

    expect(await call()).toBe(`price by ${B}`);
    expect(loadsOf(store)).toHaveLength(3);
  });

  it('that waits for its second ends with the close', async () => {
    const { store, clock, client, call } = scene();
    await call();
    await client.reload();
    const late = watch(clock, client.reload());
    await clock.advance(10);

    await client.close();
    await clock.advance(0);

    expect(late.error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(late.at).toBe(11);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('that has waited its second leaves nothing for the close to abort', async () => {
    const { clock, client } = scene();
    await client.reload();
    watch(clock, client.reload());
    await clock.advance(1_000);
    const abort = vi.spyOn(AbortController.prototype, 'abort');

    await client.close();

    expect(abort).not.toHaveBeenCalled();
    abort.mockRestore();
  });

  it('fails with the store’s error, and the next one asks anew', async () => {
    const { store, clock, client, call } = scene();
    await call();
    store.failure = () => new KeyProviderError('down');
    await expect(client.reload()).rejects.toMatchObject({ message: 'down' });
    store.failure = undefined;

    const again = watch(clock, client.reload());
    await clock.advance(1_000);

    expect(again).toMatchObject({ state: 'resolved', at: 1_001 });
    expect(client.status()).toMatchObject({ state: 'fresh', counts: { loads: 3, loadFailures: 1 } });
  });
});

describe('what follows an eviction', () => {
  it('waits for the second to pass, however often the key is evicted meanwhile', async () => {
    const { store, clock, client, call } = scene();
    await call();
    client.evict();
    await call();
    client.evict();
    const first = watch(clock, call());
    await clock.advance(100);
    client.evict();
    const second = watch(clock, call());
    await clock.advance(900);

    expect([first.value, second.value]).toEqual([`price by ${A}`, `price by ${A}`]);
    expect([first.at, second.at]).toEqual([1_001, 1_001]);
    expect(loadsOf(store)).toEqual([1, 1, 1_001]);
    expect(client.status().counts).toMatchObject({ evictions: 3, loads: 3 });
  });

  it('is asked at once when a second has passed since the last', async () => {
    const { store, clock, client, call } = scene();
    await call();
    client.evict();
    await call();
    await clock.advance(1_000);
    client.evict();

    expect(await call()).toBe(`price by ${A}`);
    expect(loadsOf(store)).toEqual([1, 1, 1_001]);
  });

  it('does not hold back a load that comes later', async () => {
    const { store, clock, client, call } = scene({ reloadCooldown: 0 });
    await call();
    client.evict();
    await call();
    await clock.advance(10);

    await client.withKey(() => Promise.reject(refusal())).catch(() => undefined);

    expect(loadsOf(store)).toEqual([1, 1, 11]);
  });

  it('asks for the key itself: nothing of what was held is said to be known', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    await call();
    await clock.advance(10_001);
    await call();
    client.evict();
    await call();

    expect(store.asked.map(({ known }) => known)).toEqual([undefined, ['v1'], undefined]);
  });

  it('forgets what was preferred, and says so of every key, with the reason given', async () => {
    const { client, api, call } = scene({}, { current: A, previous: B });
    const evicted: unknown[] = [];
    client.on('evicted', ({ stage, version, reason }) => evicted.push([stage, version, reason]));
    api.live.delete(A);
    await call();
    api.live.add(A);

    client.evict('leaked');
    client.evict();

    expect(evicted).toEqual([
      ['current', 'v1', 'leaked'],
      ['previous', 'v2', 'leaked'],
    ]);
    expect(await call()).toBe(`price by ${A}`);
  });
});

describe('an eviction', () => {
  it('is told of with a reason where none is given', async () => {
    const { client, call } = scene();
    const reasons: string[] = [];
    client.on('evicted', ({ reason }) => reasons.push(reason));
    for (const reason of [undefined, 'leaked']) {
      await call();
      client.evict(reason);
    }

    expect(reasons).toEqual(['evict', 'leaked']);
  });
});

describe('the load that a refused `once` call asks for', () => {
  const refuseOnce = ({ client }: Scene): Promise<unknown> =>
    client.withKey(() => Promise.reject(refusal()), { once: true }).catch(() => undefined);

  it('is none while another load runs', async () => {
    const play = scene();
    const { store, clock, client, call } = play;
    await call();
    store.latency = 100;
    watch(clock, client.reload());
    await clock.advance(10);
    await refuseOnce(play);
    await clock.advance(1_000);

    expect(loadsOf(store)).toHaveLength(2);
  });

  it('is none while loads are backed off', async () => {
    const play = scene();
    const { store, client, call } = play;
    await call();
    store.failure = () => new KeyProviderError('down');
    await client.reload().catch(() => undefined);
    await refuseOnce(play);
    await client.settled();

    expect(loadsOf(store)).toHaveLength(2);
  });
});

describe('settled()', () => {
  it('resolves at once when nothing is loaded, and with the last load when several are', async () => {
    const { store, clock, client, call } = scene({}, { current: A, previous: B });
    const before = watch(clock, client.settled());
    await clock.advance(0);
    expect(before.state).toBe('resolved');
    await call();
    store.latency = 100;
    watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(10);

    const settled = watch(clock, client.settled());
    await clock.advance(1_000);

    // The reload of `current`, and then the load of `previous`.
    expect(settled.at).toBe(201);
  });

  it('resolves with the slowest of the loads that run at the same time', async () => {
    const { store, clock, client, api, call } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    await call();
    await clock.advance(1_000);
    const load = store.load.bind(store);
    store.load = async (request) => {
      store.latency = request.stage === 'current' ? 100 : 300;
      return load(request);
    };
    const reload = watch(clock, client.reload());

    const settled = watch(clock, client.settled());
    await clock.advance(200);
    const between = watch(clock, client.settled());
    await clock.advance(1_000);

    expect([reload.at, settled.at, between.at]).toEqual([1_101, 1_301, 1_301]);
  });
});
