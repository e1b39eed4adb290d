import { describe, expect, it } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import { loadsOf, notResolved, scene, traffic, watch, type Watched } from '../scene.js';

const down = (): Error => new KeyProviderError('down');

describe('under traffic, a revoked key', () => {
  it('at 500 calls/s for 5 s costs one load beside the first', async () => {
    const play = scene();
    await play.call();
    play.api.live.clear();

    await traffic(play, 4_998, 2);

    expect(loadsOf(play.store)).toHaveLength(2);
  });

  it('is asked for again after 5, 10, 20, 30 and 30 s', async () => {
    const play = scene();
    await play.call();
    play.api.live.clear();

    await traffic(play, 100_000, 50);

    const at = loadsOf(play.store).slice(1);
    const gaps = at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
    expect(gaps).toEqual([5_000, 10_000, 20_000, 30_000, 30_000]);
  });
});

describe('under traffic, a store that is down', () => {
  it('from 3 s after expiry on fails no call, and is asked once per back-off step', async () => {
    const play = scene({ ttl: 10_000, refreshAhead: 0 });
    await play.call();
    play.store.failure = down;
    await play.clock.advance(10_000);

    const calls = await traffic(play, 3_000, 2);
    await play.clock.advance(250);

    expect(notResolved(calls)).toBe(0);
    expect(loadsOf(play.store).length - 1).toBeLessThanOrEqual(3);
  });

  it('for an hour, with no key, is asked at most once per back-off window', async () => {
    const play = scene({ timeout: 100 });
    play.store.failure = down;

    const calls = await traffic(play, 3_600_000, 500);

    expect(calls.every(({ state }) => state === 'rejected')).toBe(true);
    const at = loadsOf(play.store);
    const gaps = at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
    gaps.forEach((gap, index) => expect(gap).toBeGreaterThanOrEqual(Math.min(1_000 * 2 ** index, 30_000) / 2));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_500);
  });
});

describe('under traffic, a slow store', () => {
  it('lets nobody wait over many expiries when the refresh runs ahead', async () => {
    const play = scene({ ttl: 10_000, refreshAhead: 5_000 });
    await play.call();
    play.store.latency = 120;

    const calls: Array<Watched<string>> = [];
    for (let step = 0; step < 3_000; step++) {
      const one = watch(play.clock, play.call());
      await play.clock.advance(20);
      calls.push(one);
    }

    expect(calls.filter(({ at }, index) => at !== (calls[0]?.at ?? 0) + index * 20)).toEqual([]);
  });
});
