import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { built, finishedWithout, missing, ROOT } from '../examples/start-example.js';

const { PROOF_SEED, GOLDKEY_SEED = String(Date.now() % 1_000_000_000) } = process.env;
const SEED = PROOF_SEED ?? GOLDKEY_SEED;
/** By this one everything happens within the calls of a run. */
const EVENTFUL = '1';
const CALLS = '150000';
/** The beginning of every key of a run. */
const SECRET = 'sk-invented/proof+=&01234';
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

/** What a fault would look like in the code that is published: what stands there, and what in its place; white space aside. */
const FAULTS = [
  ['a refused call is not repaired', 'call.client.options.isKeyRejected??isUnauthorized', '()=>false', /lost at/],
  ['an evicted key is kept', 'evict(reason){this.#state.cache.evict(reason)', 'evict(reason){', /used after evict/],
  ['what the store gave is not zeroed', 'zeroAnswer(answer.key)', 'void 0', /were not zeroed/],
  ['a key is served for ever', 'Math.min(expiresAt+staleIfError,', 'Math.min(Infinity,', /ms after its load/],
  [
    'loads follow one another without a pause',
    'lastError:error,retryAt:now+pause',
    'lastError:error,retryAt:now',
    /that nothing asked for/,
  ],
] as const;

describe.skipIf(!built)(`the proof, of a copy in which ${missing}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'goldkey-proof-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(FAULTS)(
    '%s, fails',
    async (name, text, broken, says) => {
      const root = join(folder, name.replaceAll(' ', '-'));
      for (const part of ['dist', 'package.json', 'test/proof'])
        await cp(join(ROOT, part), join(root, part), { recursive: true });
      await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
      const tokens = Array.from(text, (char) => char.replace(/[^\w\s]/, '\\$&')).join('\\s*');
      const shared = join(root, 'dist/esm/shared');
      let found = 0;
      for (const file of await readdir(shared)) {
        const code = await readFile(join(shared, file), 'utf8');
        const changed = code.replace(new RegExp(tokens), broken);
        if (changed !== code) found++;
        await writeFile(join(shared, file), changed);
      }

      const { violations } = await runCalls(root, EVENTFUL);

      expect(found).toBe(1);
      expect(violations.join('\n'), `PROOF_SEED=${EVENTFUL}`).toMatch(says);
    },
    60_000,
  );
});
