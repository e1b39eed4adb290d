import { everyTwoMs } from '../lib/pace.mjs';
import { createPriceApi, repairing } from '../lib/price-api.mjs';
import { createStore } from '../lib/store.mjs';

/** The key is revoked and the store has no other: 500 calls a second, each of them refused. */
export async function prepare(contestant, { durationMs }) {
  const store = createStore();
  const api = createPriceApi({ live: [store.key], latency: () => 5 });
  const client = repairing(contestant, contestant.create({ load: store.load, fetchPrice: api.fetchPrice }));

  return async () => {
    await client.getPrice('XAU');
    const before = store.loads.length;
    api.accept([]);
    const counts = { callers: 0, answered: 0, loads: 0 };
    await everyTwoMs(durationMs, async () => {
      counts.callers++;
      try {
        await client.getPrice('XAU');
        counts.answered++;
      } catch {
        // What else could it do.
      }
    });
    counts.loads = store.loads.length - before;
    return counts;
  };
}
