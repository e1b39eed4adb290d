import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError } from '../../../src/index.js';
import { A, B, loadsOf, notResolved, scene, traffic, watch, zeroed, type Scene } from '../scene.js';

const down = (): Error => new KeyProviderError('down');

describe('a store that is down', () => {
  it('says in every error when to come again', async () => {
    const { store, clock, call } = scene();
    store.failure = down;
    await call().catch(() => undefined);
    await clock.advance(200);

    const error = await call().catch((caught: unknown) => caught);

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as { retryAfter: number }).retryAfter).toBeGreaterThanOrEqual(300);
    expect((error as { retryAfter: number }).retryAfter).toBeLessThanOrEqual(800);
  });

  it('lets the last key serve to its end and not a moment longer', async () => {
    const play = scene({ ttl: 10_000, refreshAhead: 0, staleIfError: 20_000 });
    const { store, clock, api, call } = play;
    await call();
    store.failure = down;

    const calls = await traffic(play, 29_900, 100);
    await clock.advance(100);
    const used = api.calls.length;
    const after = watch(clock, call());
    await clock.advance(1);

    expect(notResolved(calls)).toBe(0);
    expect(after.error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(api.calls).toHaveLength(used);
    expect(zeroed(store.handed)).toBe(true);
  });

  it('with `staleIfError: 0` serves nothing past expiry', async () => {
    const { store, clock, call } = scene({ ttl: 1_000, refreshAhead: 0, staleIfError: 0 });
    await call();
    store.failure = down;
    await clock.advance(1_000);

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
  });

  it('for good takes the key away at once, from waiting callers too', async () => {
    const { store, clock, api, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    await call();
    store.failure = () => new KeyAccessDeniedError('no');
    store.latency = 100;
    await clock.advance(10_001);

    const waiting = [watch(clock, call()), watch(clock, call())];
    await clock.advance(200);

    expect(waiting.map(({ error }) => error)).toMatchObject([
      { code: 'ERR_GOLDKEY_ACCESS_DENIED' },
      { code: 'ERR_GOLDKEY_ACCESS_DENIED' },
    ]);
    expect(api.calls).toHaveLength(1);
    expect(client.status().version).toBeUndefined();
  });

  it('for good behind a running load that others no longer wait for takes the key away too', async () => {
    const { store, clock, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    await call();
    store.failure = () => new KeyAccessDeniedError('no');
    store.latency = 1_000;
    await clock.advance(10_001);
    const early = watch(clock, call());
    await clock.advance(250);

    expect(early.value).toContain(A);
    await clock.advance(750);
    store.latency = 0;
    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
  });
});

describe('a slow store', () => {
  it('keeps a caller who could have a stale key waiting 250 ms, and no other after the first', async () => {
    const play = scene({ ttl: 10_000, refreshAhead: 0 });
    const { store, clock, call } = play;
    await call();
    store.latency = 400;
    await clock.advance(10_001);
    const from = clock.monotonic();
    const first = watch(clock, call());
    await clock.advance(300);
    const second = watch(clock, call());
    await clock.advance(0);

    expect(first.at).toBe(from + 250);
    expect(second.at).toBe(from + 300);
    await clock.advance(200);
  });
});

describe('a background load', () => {
  it.each([
    [2_000, 1_000],
    [4_000, 1_000],
    [60_000, 15_000],
    [300_000, 75_000],
  ])('of a key that lives %i ms comes at most every %i ms', async (ttl, least) => {
    const play = scene({ ttl, refreshAhead: 2_147_483_647 });
    const at: number[] = [];
    const load = play.store.load.bind(play.store);
    play.store.load = async (request) => {
      at.push(play.clock.monotonic());
      return load(request);
    };
    await play.call();

    await traffic(play, ttl * 4, ttl / 200);

    const gaps = at.slice(2).map((moment, index) => moment - (at[index + 1] ?? 0));
    expect(gaps.length).toBeGreaterThan(2);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(least);
  });

  it('that fails leaves the key in use, and the next one waits for the back-off', async () => {
    const play = scene({ ttl: 60_000, refreshAhead: 30_000 });
    await play.call();
    await play.clock.advance(30_000);
    play.store.failure = down;

    const calls = await traffic(play, 29_000, 50);

    expect(notResolved(calls)).toBe(0);
    expect(loadsOf(play.store).length).toBeLessThanOrEqual(4);
    play.store.failure = undefined;
    play.store.put('current', B);
    play.api.live.add(B);
    await traffic(play, 60_000, 500);
    expect((await play.call()).endsWith(B)).toBe(true);
  });
});

describe('a clock', () => {
  it.each<[string, (play: Scene) => void]>([
    ['a freeze past the expiry', ({ clock }) => clock.freeze(10_000)],
    ['a wall clock set on past the expiry', ({ clock }) => clock.setWall(clock.now() + 10_000)],
  ])('%s expires the key', async (_, move) => {
    const play = scene({ ttl: 10_000, refreshAhead: 0 });
    await play.call();
    await play.clock.advance(1);

    move(play);
    await play.call();

    expect(loadsOf(play.store)).toHaveLength(2);
  });

  it('set back by more than a second expires a key in use', async () => {
    const { clock, store, call } = scene();
    await call();
    await call();
    clock.setWall(clock.now() - 1_001);

    await call();

    expect(loadsOf(store)).toHaveLength(2);
  });

  it('set back by more than a second expires a key that has just come', async () => {
    const { clock, store, call } = scene();
    await call();
    clock.setWall(clock.now() - 1_001);

    await call();

    expect(loadsOf(store)).toHaveLength(2);
  });

  it('set back while the store is down lengthens no life of a key', async () => {
    const play = scene({ ttl: 10_000, refreshAhead: 0, staleIfError: 10_000 });
    const { clock, store, api, call } = play;
    await call();
    store.failure = down;
    for (let step = 0; step < 4; step++) {
      await clock.advance(4_990);
      clock.setWall(clock.now() - 4_000);
      await call();
    }
    const used = api.calls.length;
    await clock.advance(50);

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(api.calls).toHaveLength(used);
  });

  it('set on past `purgeAt` while the store is down ends the key', async () => {
    const play = scene();
    await play.call();
    play.store.failure = down;
    play.clock.freeze(900_000);

    await expect(play.call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(play.client.status().version).toBeUndefined();
  });
});
