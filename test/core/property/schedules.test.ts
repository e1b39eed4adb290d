import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { A, B, busy, loadsOf, scene, watch, type Scene, type Watched } from '../scene.js';
import { runs, seededJitter } from './jitter.js';

afterEach(() => void vi.restoreAllMocks());

const seed = fc.nat();
/** Pauses between calls, in ms. */
const pauses = fc.array(fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 3_000 }), fc.nat({ max: 20_000 })), {
  minLength: 10,
  maxLength: 80,
});
const latency = fc.constantFrom(0, 0, 30, 300, 1_200);

async function traffic({ clock, call }: Scene, every: readonly number[]): Promise<Array<Watched<string>>> {
  const calls: Array<Watched<string>> = [];
  for (const ms of every) {
    calls.push(watch(clock, call()));
    await clock.advance(ms);
  }
  return calls;
}

function gapsOf(moments: readonly number[]): number[] {
  return moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0));
}

describe('however calls come', () => {
  it('a revoked key is asked for at most every 5, 10, 20 and 30 s, or 30 s, whatever the store takes', async () => {
    await fc.assert(
      fc.asyncProperty(seed, pauses, latency, async (random, every, slow) => {
        seededJitter(random);
        const play = scene({ ttl: 2_000_000, refreshAhead: 0 });
        await play.call();
        play.api.live.clear();
        play.store.latency = slow;

        await traffic(play, every);

        const gaps = gapsOf(loadsOf(play.store).slice(1));
        gaps.forEach((gap, index) => expect(gap).toBeGreaterThanOrEqual(Math.min(5_000 * 2 ** index, 30_000)));
        expect(loadsOf(play.store, 'previous').length).toBeLessThanOrEqual(1);
      }),
      runs(100),
    );
  });

  it('a store that is down is asked at most once per back-off window, with a key in hand or without', async () => {
    await fc.assert(
      fc.asyncProperty(seed, pauses, latency, fc.boolean(), async (random, every, slow, known) => {
        seededJitter(random);
        const play = scene({ ttl: 1_000, refreshAhead: 0 });
        if (known) await play.call();
        play.store.failure = busy;
        play.store.latency = slow;
        await play.clock.advance(1_001);

        await traffic(play, every);

        const gaps = gapsOf(loadsOf(play.store).slice(known ? 1 : 0));
        gaps.forEach((gap, index) => expect(gap).toBeGreaterThanOrEqual(Math.min(1_000 * 2 ** index, 30_000) / 2));
      }),
      runs(100),
    );
  });

  it('a rotation, at store and price API in either order, loses no call 5 s after the later of the two', async () => {
    await fc.assert(
      fc.asyncProperty(
        seed,
        pauses,
        fc.integer({ min: -4_000, max: 4_000 }),
        fc.boolean(),
        async (random, every, lead, overlap) => {
          seededJitter(random);
          const play = scene({}, overlap ? { current: A, previous: 'key-0-00000000' } : { current: A });
          const { clock, store, api } = play;
          await play.call();
          const atStore = 10_000;
          clock.setTimeout(() => {
            store.put('current', B);
            if (overlap) store.put('previous', A);
          }, atStore);
          clock.setTimeout(() => {
            api.live.clear();
            api.live.add(B);
          }, atStore + lead);
          // Enough traffic for the refusals to be met as soon as they can be.
          const steady = every.flatMap((ms) => Array.from({ length: Math.ceil(ms / 400) }, () => Math.min(ms, 400)));

          const calls = await traffic(play, [...steady, ...Array.from({ length: 100 }, () => 400)]);
          await clock.advance(10_000);

          const settledBy = 1 + atStore + Math.max(0, lead) + 5_000;
          const late = calls.filter(({ state, at }) => state === 'rejected' && (at ?? 0) > settledBy);
          expect(late).toEqual([]);
          const early = calls.filter(
            ({ state, at }) => state === 'rejected' && (at ?? 0) < atStore + Math.min(0, lead),
          );
          expect(early).toEqual([]);
          if (lead >= 0) expect(calls.filter(({ state }) => state === 'rejected')).toEqual([]);
        },
      ),
      runs(60),
    );
  });

  it('one call forces at most one reload of a stage, and asks for it twice at most', async () => {
    const step = fc.record({
      pass: fc.nat({ max: 40_000 }),
      revoke: fc.boolean(),
      rotate: fc.boolean(),
      evict: fc.boolean(),
      down: fc.boolean(),
      previous: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(seed, fc.array(step, { minLength: 1, maxLength: 15 }), async (random, steps) => {
        seededJitter(random);
        const play = scene({ ttl: 20_000, refreshAhead: 5_000, retry: { retries: 2, minTimeout: 50 } });
        const { clock, store, api, client } = play;
        let made = 0;
        for (const { pass, revoke, rotate, evict, down, previous } of steps) {
          store.put('previous', previous ? B : undefined);
          if (previous) api.live.add(B);
          if (rotate) store.put('current', `key-${String(++made)}-00000000`);
          if (revoke) api.live.clear();
          else if (made > 0) api.live.add(`key-${String(made)}-00000000`);
          if (evict) client.evict();
          store.failure = down ? busy : undefined;
          await clock.advance(pass);
          const before = store.asked.length;

          const call = watch(clock, play.call());
          await clock.advance(10_000);

          const asked = store.asked.slice(before);
          expect(call.state).not.toBe('pending');
          for (const stage of ['current', 'previous'] as const) {
            expect(asked.filter((one) => one.stage === stage).length).toBeLessThanOrEqual(2);
          }
        }
      }),
      runs(100),
    );
  });
});
