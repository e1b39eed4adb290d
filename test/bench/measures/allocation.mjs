import { clientOf } from '../lib/scene.mjs';
import { median } from '../lib/stats.mjs';

const CALLS = 10_000;

/** Heap bytes per warm call: what is there after a run minus what was there before, no collection in between. */
export async function prepare(contestant, options) {
  const client = await clientOf(contestant, options);

  async function run() {
    for (let i = 0; i < CALLS; i++) await client.getPrice('XAU');
  }

  for (let i = 0; i < 20; i++) await run();
  return async () => {
    const deltas = [];
    for (let i = 0; i < 9; i++) {
      globalThis.gc();
      const before = process.memoryUsage().heapUsed;
      await run();
      deltas.push((process.memoryUsage().heapUsed - before) / CALLS);
    }
    return median(deltas);
  };
}
