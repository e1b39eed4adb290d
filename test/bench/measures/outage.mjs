import { everyTwoMs } from '../lib/pace.mjs';
import { createStore } from '../lib/store.mjs';

const TTL_MS = 2_000;
const BEFORE_MS = 1_000;
const AFTER_MS = 2_000;
// A back-off step waits at least half of 1 s, then 2 s, then 4 s; timers are late, never early, but for rounding.
const STEPS_MS = [500, 1_000, 2_000, 4_000];

/** The store is down for a while at 500 calls a second, the key known before: failed calls, and loads that were tried. */
export async function prepare(contestant, { outageMs }) {
  const store = createStore();
  const client = contestant.create({
    load: store.load,
    async fetchPrice(_symbol, key) {
      if (key === undefined) throw new Error('called without a key');
      return key.length;
    },
    ttl: TTL_MS,
  });

  return async () => {
    await client.getPrice('XAU');
    const counts = { callers: 0, failed: 0, loads: 0, tooSoon: 0 };
    const start = performance.now();
    await everyTwoMs(BEFORE_MS + outageMs + AFTER_MS, async () => {
      const elapsed = performance.now() - start;
      store.down = elapsed >= BEFORE_MS && elapsed < BEFORE_MS + outageMs;
      counts.callers++;
      try {
        await client.getPrice('XAU');
      } catch {
        counts.failed++;
      }
    });
    const failed = store.loads.filter(({ error }) => error);
    counts.loads = failed.length;
    for (let i = 1; i < failed.length; i++) {
      const pause = failed[i].started - failed[i - 1].ended;
      if (pause < STEPS_MS[Math.min(i, STEPS_MS.length) - 1] - 5) counts.tooSoon++;
    }
    return counts;
  };
}
