import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeyAccessDeniedError, KeyedClient, KeyProviderError } from '../../../src/index.js';
import { A, B, C, loadsOf, refusal, scene, timersOf, watch, type Scene } from '../scene.js';

const KEY_TIMEOUT = 4_321;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Has a client look for its key every `every` ms, past what the warm path would spare it. */
async function look({ clock, client }: Scene, ms: number, every: number): Promise<void> {
  for (let at = 0; at < ms; at += every) {
    watch(clock, client.prefetch());
    await clock.advance(every);
  }
}

/** The moments of the loads of a stage, counted from the first one of `current`. */
const since = ({ store }: Scene, stage: 'current' | 'pending' = 'current'): number[] =>
  loadsOf(store, stage).map((at) => at - (loadsOf(store)[0] ?? 0));

describe('a key about to expire', () => {
  it('is asked for from the moment its window opens, not before, and by nobody who holds the process', async () => {
    const play = scene({ ttl: 20_000, refreshAhead: 5_000, keyTimeout: KEY_TIMEOUT });
    const timers = timersOf(play.clock);
    await play.call();
    await play.clock.advance(14_999);
    await play.call();
    const before = loadsOf(play.store).length;
    await play.clock.advance(1);
    await play.call();

    expect([before, loadsOf(play.store).length]).toEqual([1, 2]);
    expect(timers.filter(({ ms }) => ms === KEY_TIMEOUT).map(({ holds }) => holds)).toEqual([true, false]);
  });

  it('is asked for with the version that is held', async () => {
    const { store, clock, call } = scene({ ttl: 10_000, refreshAhead: 2_000 });
    await call();
    await clock.advance(8_000);
    await call();
    await clock.advance(0);

    expect(store.asked.map(({ known }) => known)).toEqual([undefined, ['v1']]);
  });

  it('has a window of half its life at most', async () => {
    const play = scene({ ttl: 20_000, refreshAhead: 19_000 });
    await play.call();
    await play.clock.advance(9_999);
    await play.call();
    const before = loadsOf(play.store).length;
    await play.clock.advance(1);
    await play.call();

    expect([before, loadsOf(play.store).length]).toEqual([1, 2]);
  });

  it('is asked for again, after a failure, once a quarter of its life has passed, by plain calls', async () => {
    const play = scene({ ttl: 20_000, refreshAhead: 10_000 });
    await play.call();
    play.store.failure = () => new KeyProviderError('down');

    for (let step = 0; step < 199; step++) {
      watch(play.clock, play.call());
      await play.clock.advance(100);
    }

    expect(since(play)).toEqual([0, 10_000, 15_000]);
  });

  it('is asked for again, after failures, when the back-off is over, if that takes longer', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const play = scene({ ttl: 12_000, refreshAhead: 6_000 });
    play.store.failure = () => new KeyProviderError('down');
    for (let failures = 0; failures < 3; failures++) {
      await play.client.reload().catch(() => undefined);
      await play.clock.advance(1_000);
    }
    // Three windows of 1, 2 and 4 s; the next failure bars loads for 8 s, a success for none.
    play.store.failure = undefined;
    await play.client.reload();
    const from = loadsOf(play.store).length;
    play.store.failure = () => new KeyProviderError('down');
    await play.clock.advance(6_000);
    for (let step = 0; step < 59; step++) {
      watch(play.clock, play.call());
      await play.clock.advance(100);
    }

    const at = loadsOf(play.store).slice(from - 1);
    expect(at.map((moment) => moment - (at[0] ?? 0))).toEqual([0, 6_000, 9_000]);
  });

  it('so soon after its own load is asked for all the same: only background loads are spaced', async () => {
    const play = scene({ ttl: 1_000, refreshAhead: 500 });
    await play.call();
    await play.clock.advance(500);
    await play.call();

    expect(since(play)).toEqual([0, 500]);
  });

  it('is asked for once, though the answer takes longer than the time between two loads', async () => {
    const play = scene({ ttl: 8_000, refreshAhead: 4_000 });
    await play.call();
    play.store.latency = 3_500;
    await play.clock.advance(4_000);

    await look(play, 3_400, 100);

    expect(since(play)).toEqual([0, 4_000]);
    await play.clock.advance(1_000);
  });

  it.each<[string, Error | undefined]>([
    ['the store has confirmed it', undefined],
    ['the store denies a newer one', new KeyAccessDeniedError('no', { version: 'v7' })],
  ])('that another is preferred to is not made warm again by a client of the canary: %s', async (_what, denial) => {
    const one = scene({}, { current: A, pending: B, previous: C });
    const { store, clock, api } = one;
    store.roll({ id: 'one', pendingPercent: 50 });
    const clients = Array.from(
      { length: 40 },
      (_, index) => new KeyedClient({ keyProvider: store, clock, ttlJitter: 0, instanceId: String(index) }),
    );
    await one.client.prefetch();
    const used = await Promise.all(clients.map((client) => client.withKey(async ({ stage }) => stage)));
    const inside = clients[used.indexOf('pending')] as KeyedClient;
    const outside = clients[used.indexOf('current')] as KeyedClient;
    api.live.clear();
    api.live.add(C);
    const load = store.load.bind(store);
    store.load = async (request) => {
      if (request.stage === 'current' && denial !== undefined) throw denial;
      return load(request);
    };
    await outside.withKey(api.fetch);
    await inside.withKey(api.fetch);
    api.calls.length = 0;

    expect(await outside.withKey(api.fetch)).toBe(`price by ${C}`);
    expect(api.calls).toEqual([C]);
  });
});

describe('a key that is not in use', () => {
  const inCanary = async (more: object = {}): Promise<Scene> => {
    const play = scene({ ttl: 20_000, refreshAhead: 10_000, ...more }, { current: A, pending: B });
    play.store.roll({ id: 'one', pendingPercent: 100 });
    await play.client.prefetch();
    return play;
  };

  it('is asked for when its time comes, and behind the back of whoever holds another', async () => {
    const play = await inCanary({ keyTimeout: KEY_TIMEOUT });
    const timers = timersOf(play.clock);

    await look(play, 25_000, 500);

    expect(since(play)).toEqual([0, 10_000, 20_000]);
    const asked = play.store.asked.filter(({ stage }) => stage === 'current');
    expect(asked.map(({ known }) => known)).toEqual([undefined, ['v1', 'v2'], ['v1', 'v2']]);
    const loads = timers.filter(({ ms }) => ms === KEY_TIMEOUT);
    // The canary's own key was waited for once; everything after it was looked ahead for.
    expect(loads.map(({ holds }) => holds)).toEqual([true, ...loads.slice(1).map(() => false)]);
  });

  it('is asked for at most every quarter of a life, and not while its loads are backed off', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const play = await inCanary();
    const load = play.store.load.bind(play.store);
    const at: number[] = [];
    play.store.load = async (request) => {
      if (request.stage !== 'current') return load(request);
      at.push(play.clock.monotonic() - 1);
      throw new KeyProviderError('down');
    };

    await look(play, 50_000, 500);

    // Windows of 1, 2, 4, 8 and 16 s, or 5 s where they are shorter.
    expect(at).toEqual([10_000, 15_000, 20_000, 25_000, 33_000, 49_000]);
  });

  it('is not asked for twice at a time', async () => {
    const play = await inCanary({ ttl: 4_000, refreshAhead: 2_000 });
    play.store.latency = 3_000;

    await look(play, 10_000, 500);

    const at = since(play);
    expect(at.slice(1).every((moment, index) => moment - (at[index] ?? 0) >= 3_000 || index === 0)).toBe(true);
    expect(at.length).toBeGreaterThan(2);
    await play.clock.advance(5_000);
  });

  it('that a clock has expired is asked for, however new it is', async () => {
    const play = await inCanary();
    await play.clock.advance(6_000);
    await play.client.prefetch();
    play.clock.setWall(play.clock.now() - 5_000);

    await look(play, 1_000, 500);

    expect(since(play)).toEqual([0, 6_000]);
  });

  it('is kept up with while another is preferred to it, until it works again', async () => {
    const play = scene({ ttl: 20_000, refreshAhead: 10_000 }, { current: A, previous: B });
    const { store, clock, api, call } = play;
    api.live.delete(A);
    await call();
    await clock.advance(9_999);
    await call();
    const before = loadsOf(store).length;
    await clock.advance(1);
    api.live.add(A);
    await call();
    await clock.advance(0);

    expect(loadsOf(store).length - before).toBe(1);
    expect(await call()).toBe(`price by ${A}`);
  });

  it('is preferred no more when it cannot be had', async () => {
    const { store, clock, api, call } = scene(
      { ttl: 20_000, refreshAhead: 0, staleIfError: 0 },
      { current: A, previous: B },
    );
    api.live.delete(A);
    await call();
    await clock.advance(15_000);
    store.put('previous', undefined);
    api.live.add(A);
    const load = store.load.bind(store);
    store.load = async (request) => {
      if (request.stage === 'previous') throw new KeyAccessDeniedError('gone');
      return load(request);
    };
    await clock.advance(5_001);

    const next = watch(clock, call());
    await clock.advance(1_000);

    expect(next.value).toBe(`price by ${A}`);
  });
});

describe('a suspect key', () => {
  it('stays off the warm path until its reload has ended', async () => {
    const { store, clock, client, call } = scene();
    await call();
    store.latency = 1_000;
    store.put('current', B);
    watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(10);
    expect(client.status()).toMatchObject({ state: 'suspect', version: 'v1' });

    const next = watch(
      clock,
      client.withKey(async ({ apiKey }) => apiKey),
    );
    await clock.advance(239);
    const before = next.state;
    await clock.advance(1);

    expect([before, next.value]).toEqual(['pending', A]);
    await clock.advance(1_000);
  });
});
