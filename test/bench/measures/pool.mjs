import { heldBytes } from '../lib/heap.mjs';
import { KEY, fetchPrice } from '../lib/scene.mjs';

const BATCH = 500;
const ORDER = 2 ** 17;

async function load() {
  return KEY;
}

/** Which tenant each call is for: one after the other, or any. The same numbers in every process. */
function orders(count) {
  const inTurn = new Uint32Array(ORDER);
  const random = new Uint32Array(ORDER);
  let seed = 1;
  for (let i = 0; i < ORDER; i++) {
    inTurn[i] = i % count;
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    random[i] = Math.floor((seed / 2 ** 32) * count);
  }
  return { inTurn, random };
}

/** Nanoseconds per look-up plus warm call over many tenants, in turn and at random, and the bytes each of them keeps. */
export async function prepare(contestant, { tenants: count, sliceMs = 5, warmUpMs = 200 }) {
  const names = Array.from({ length: count }, (_, i) => `tenant-${String(i)}`);
  const tenants = new Map();
  for (const name of names) tenants.set(name, contestant.prepareClient?.({ load }));
  const { inTurn, random } = orders(count);

  const before = heldBytes();
  const pool = contestant.createPool({ load, fetchPrice, tenants, max: count });
  for (const name of names) await pool.call(name);
  // Loads may end in timers and immediates of their own.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const bytes = (heldBytes() - before) / count;
  let turn = 0;

  async function run(order, ms) {
    const start = process.hrtime.bigint();
    const end = start + BigInt(ms) * 1_000_000n;
    let now = start;
    let calls = 0;
    let sum = 0;
    while (now < end) {
      for (let i = 0; i < BATCH; i++) sum += await pool.call(names[order[turn++ % ORDER]]);
      calls += BATCH;
      now = process.hrtime.bigint();
    }
    if (sum !== calls * KEY.length) throw new Error('a call came back with a wrong price');
    return Number(now - start) / calls;
  }

  await run(random, warmUpMs);
  return async () => ({ inTurn: await run(inTurn, sliceMs), random: await run(random, sliceMs), bytes });
}
