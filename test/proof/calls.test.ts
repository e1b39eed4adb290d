import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { built, finishedWithout, missing, ROOT } from '../examples/start-example.js';
import { lib } from './typed-lib.js';

const { copyBroken, FAULTS } = await lib('broken-copy.mjs');
const { SECRET } = await lib('keys.mjs');

const { PROOF_SEED, GOLDKEY_SEED = String(Date.now() % 1_000_000_000) } = process.env;
const SEED = PROOF_SEED ?? GOLDKEY_SEED;
/** By this one everything happens within the calls of a run. */
const EVENTFUL = '1';
const CALLS = '150000';
/** In bytes: what a call leaves behind would be more. */
const HEAP_PER_CALL = 16;

interface Report {
  counts: { calls: number; prices: number; aborted: number; failed: Record<string, number>; unexcused: number };
  causes: Record<string, number>;
  requests: { made: number; allowed: number };
  heaps: number[];
  violations: string[];
}

async function runCalls(root: string, seed = SEED): Promise<Report> {
  const { code, stdout, stderr } = await finishedWithout(SECRET)(['--expose-gc', join(root, 'test/proof/calls.mjs')], {
    PROOF_SEED: seed,
    PROOF_CALLS: CALLS,
  });
  expect({ code, stderr }, `PROOF_SEED=${seed}`).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

describe.skipIf(!built)(`calls on a manual clock, with everything going wrong by chance ${missing}`, () => {
  it('are never lost, and no key outlives its time, its eviction or its bytes', async () => {
    const { counts, causes, requests, heaps, violations } = await runCalls(ROOT);
    const failed = Object.values(counts.failed).reduce((sum, count) => sum + count, 0);

    expect(violations, `PROOF_SEED=${SEED}`).toEqual([]);
    expect(counts.calls).toBe(Number(CALLS));
    // A failed reload() is counted beside them.
    expect(counts.prices + counts.aborted + failed).toBeGreaterThanOrEqual(counts.calls);
    expect(counts.prices).toBeGreaterThan(counts.calls / 3);
    expect(causes['life']).toBeGreaterThan(0);
    expect(requests.made).toBeLessThanOrEqual(requests.allowed);
    const grown = ((heaps.at(-1) as number) - (heaps.at(3) as number)) / (counts.calls / 2);
    expect(grown).toBeLessThan(HEAP_PER_CALL);
  }, 60_000);
});

const OF_CALLS = FAULTS.flatMap((fault) =>
  fault.found.a === undefined || fault.isInMemory === true ? [] : [{ ...fault, says: fault.found.a }],
);

describe.skipIf(!built)(`the proof, of a copy in which ${missing}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = makeTempFolder('goldkey-proof-');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(OF_CALLS)(
    '$name, fails',
    async (fault) => {
      const root = join(folder, fault.name.replaceAll(' ', '-'));
      const changed = await copyBroken(fault, root);

      const { violations } = await runCalls(root, EVENTFUL);

      expect(changed).toBe(1);
      expect(violations.join('\n'), `PROOF_SEED=${EVENTFUL}`).toMatch(fault.says);
    },
    60_000,
  );
});
