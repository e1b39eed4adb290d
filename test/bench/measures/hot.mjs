import { KEY, clientOf } from '../lib/scene.mjs';

const BATCH = 500;

/** Nanoseconds per awaited `getPrice` in a tight loop, inside of what the contestant surrounds its calls with. */
export async function prepare(contestant, { sliceMs = 5, warmUpMs = 400, ...options }) {
  const client = await clientOf(contestant, options);
  const surround = contestant.surround?.(client) ?? ((work) => work());

  async function run(ms) {
    const start = process.hrtime.bigint();
    const end = start + BigInt(ms) * 1_000_000n;
    let now = start;
    let calls = 0;
    let sum = 0;
    while (now < end) {
      for (let i = 0; i < BATCH; i++) sum += await client.getPrice('XAU');
      calls += BATCH;
      now = process.hrtime.bigint();
    }
    if (sum !== calls * KEY.length) throw new Error('a call came back with a wrong price');
    return Number(now - start) / calls;
  }

  await surround(() => run(warmUpMs));
  return () => surround(() => run(sliceMs));
}
