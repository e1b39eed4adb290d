import { lstatSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listTargets } from './lib/build.js';
import { readCorpus } from './lib/run-target.js';
import type { Target } from './lib/target.js';

const ROOT = resolve(import.meta.dirname, '../..');
const CORPUS = join(import.meta.dirname, 'corpus');
/** All of it, in bytes. */
const MAX_CORPUS = 300_000;

describe.each(listTargets(ROOT))('what the fuzzer tries first on %s', (name) => {
  it('breaks no rule of the target', async () => {
    const { target } = (await import(`./targets/${name}.ts`)) as { target: Target };
    const inputs = [...(target.seeds ?? []), ...readCorpus(ROOT, name)];

    for (const input of inputs) {
      const problem = await Promise.resolve(target.run(input)).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(problem, input.toString('base64')).toBeUndefined();
    }
    expect(inputs.length).toBeGreaterThan(2);
  });
});

it('the corpus is small, and has a folder for each target', () => {
  const sizes = readdirSync(CORPUS, { recursive: true, encoding: 'utf8' })
    .map((name) => lstatSync(join(CORPUS, name)))
    .map((found) => (found.isFile() ? found.size : 0));

  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_CORPUS);
  expect(readdirSync(CORPUS).toSorted()).toEqual(listTargets(ROOT).toSorted());
});
