import { everyTwoMs } from '../lib/pace.mjs';
import { createStore } from '../lib/store.mjs';

const TTL_MS = 2_000;
const WAIT_MS = 10;

/** 500 calls a second over several expiries: who waits for a load, and who is handed a key past its ttl. */
export async function prepare(contestant, { durationMs }) {
  const store = createStore({ distinct: true });
  const counts = { callers: 0, loads: 0, waited: 0, pastTtl: 0, errors: 0 };
  let reached;
  const client = contestant.create({
    load: store.load,
    async fetchPrice(symbol, key) {
      reached(symbol, key);
      return key.length;
    },
    ttl: TTL_MS,
  });

  return async () => {
    const begun = [];
    reached = (symbol, key) => {
      const now = performance.now();
      const { at, loadsEnded } = begun[symbol];
      if (now - at > WAIT_MS && store.ended > loadsEnded) counts.waited++;
      // Clocks here count in whole milliseconds.
      if (now - store.endedAt(key) > TTL_MS + WAIT_MS) counts.pastTtl++;
    };
    // The first load of all is not what this is about.
    begun.push({ at: Infinity, loadsEnded: 0 });
    await client.getPrice(0);
    const before = store.loads.length;
    await everyTwoMs(durationMs, async (call) => {
      begun[call] = { at: performance.now(), loadsEnded: store.ended };
      counts.callers++;
      try {
        await client.getPrice(call);
      } catch {
        counts.errors++;
      }
    });
    counts.loads = store.loads.length - before;
    return counts;
  };
}
