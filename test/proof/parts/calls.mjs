// Days of calls on the manual clock: see test/proof/calls.mjs.
import { randomBytes } from 'node:crypto';
import { grouped } from '../lib/claims.mjs';
import { keysOf } from '../lib/keys.mjs';
import { Program } from '../lib/program.mjs';

/** In bytes: what the engine may add while it optimises, and what a call may; what it leaves behind would be a hundred times more. */
const HEAP_GROWTH = 1_048_576;
const HEAP_PER_CALL = 0.1;

export async function calls({ claims, seed, count }) {
  const secret = randomBytes(16).toString('hex');
  const env = { PROOF_SEED: String(seed), PROOF_CALLS: String(count), PROOF_KEYS: secret };
  const program = new Program('calls.mjs', [], { env, flags: ['--expose-gc'] });
  try {
    const { counts, days, keys, incidents, loads, requests, worst, heaps, violations } =
      await program.line('violations');
    const happened = Object.values(incidents).reduce((sum, times) => sum + times, 0);
    claims.atLeast(
      `calls, in ${days.toFixed(1)} days on the clock with ${grouped(happened)} incidents`,
      counts.calls,
      count,
    );
    claims.none(
      'calls lost: failed though nothing excused it',
      counts.unexcused === 0 ? [] : [`${grouped(counts.unexcused)} calls`],
    );
    claims.none(
      'keys used past their end or eviction, bytes not zeroed that were handed over, keys in errors, loads without a reason',
      violations,
    );
    claims.atMost(`requests to KMS, ${grouped(loads)} loads, ${grouped(keys)} keys`, requests.made, requests.allowed);
    for (const [window, most] of Object.entries(worst))
      claims.atMost(`requests to KMS in the fullest ${window} s`, most.requests, most.allowed);
    const half = Math.floor(heaps.length / 2);
    const grown = Math.max(0, heaps.at(-1) - heaps[half - 1]);
    const most = Math.round(HEAP_GROWTH + (HEAP_PER_CALL * counts.calls) / 2);
    claims.atMost('growth of the heap over the second half of the calls, in bytes', grown, most);
    await program.line('done');
    await claims.nothingFound('d: forms of a key in the memory of the process after close()', () =>
      program.search(keysOf(secret).shared),
    );
  } finally {
    await program.kill();
  }
}
