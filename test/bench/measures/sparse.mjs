import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { KEY, clientOf, fetchPrice } from '../lib/scene.mjs';
import { quantile } from '../lib/stats.mjs';

const IDLE_MS = 3;
const WARM_UP = 200_000;
// A neighbour that pushes this process out of the processor's caches only ever adds.
const QUARTILE = 0.25;

/**
 * Nanoseconds of a call that comes alone, after 3 ms of idling: until the key is in the caller's hands (`read`: the
 * cache's own read where it has one, else until the fetch function holds the key), or until the whole call has settled.
 * What reading the clock costs in the same state is measured in turn and taken off.
 */
export async function prepare(contestant, { samples = 40, whole = false, ...options }) {
  let inHand;
  const client = await clientOf(contestant, {
    ...options,
    fetchPrice: whole
      ? fetchPrice
      : (_symbol, key) => {
          inHand = process.hrtime.bigint();
          return Promise.resolve(key.length);
        },
  });
  const read = client.readKey === undefined ? undefined : () => client.readKey();

  async function call() {
    const start = process.hrtime.bigint();
    if (whole) {
      const price = await client.getPrice('XAU');
      const end = process.hrtime.bigint();
      if (price !== KEY.length) throw new Error('a call came back with a wrong price');
      return end - start;
    }
    if (read !== undefined) {
      const key = read();
      const end = process.hrtime.bigint();
      if (key !== KEY) throw new Error('the cache lost the key');
      return end - start;
    }
    const pending = client.getPrice('XAU');
    await pending;
    return inHand - start;
  }

  async function run(count) {
    const calls = [];
    const floors = [];
    for (let i = 0; i < count; i++) {
      await sleep(IDLE_MS);
      const start = process.hrtime.bigint();
      const end = process.hrtime.bigint();
      floors.push(Number(end - start));
      await sleep(IDLE_MS);
      calls.push(Number(await call()));
    }
    return quantile(calls, QUARTILE) - quantile(floors, QUARTILE);
  }

  // Compiled as in a service that has run for a while: by many calls, most of them with a turn of the loop to themselves.
  for (let i = 0; i < WARM_UP; i++) {
    await call();
    if (i % 4 !== 0) await turn();
  }
  await run(20);
  return () => run(samples);
}
