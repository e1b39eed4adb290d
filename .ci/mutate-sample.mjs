// Runs the mutants of test/config/mutation-sample.mjs, two at a time, each against its own tests: node .ci/mutate-sample.mjs
// Fails if one survives, if one does not stand in its file exactly once, or if the tests fail without any. The mutants are
// made while vitest reads the sources: the work tree is not touched.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sample } from '../test/config/mutation-sample.mjs';

const AT_ONCE = 2;
const LIMIT_MS = 120_000;
const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const folder = await mkdtemp(join(tmpdir(), 'goldkey-mutants-'));

/** Runs the tests of a mutant, or all without any. Resolves to the number of tests that failed. */
async function countFailures(number) {
  const report = join(folder, `${number}.json`);
  const args = ['run', '--config', 'test/config/vitest.sample.config.mjs', '--reporter=json', `--outputFile=${report}`];
  const env = { ...process.env, GOLDKEY_MUTANT: String(number) };
  const run = spawn(process.execPath, [vitest, ...args], { cwd: root, env, stdio: 'ignore', timeout: LIMIT_MS });
  await once(run, 'exit');
  const { numFailedTests, numPassedTests } = JSON.parse(await readFile(report, 'utf8'));
  if (numFailedTests + numPassedTests === 0) throw new Error('no test ran; the mutant may not be valid TypeScript');
  return numFailedTests;
}

/** Tells what is wrong with a mutant, or `undefined`. */
async function findProblem(mutant, number) {
  const { length } = (await readFile(join(root, mutant.file), 'utf8')).split(mutant.find);
  if (length !== 2) return `stands in its file ${length - 1} times, not once`;
  try {
    return (await countFailures(number)) === 0 ? 'survived' : undefined;
  } catch (error) {
    return error.message;
  }
}

const started = Date.now();
const problems = [];
const queue = [...sample.entries()];
const work = async () => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [number, mutant] = next;
    const problem = await findProblem(mutant, number);
    if (problem !== undefined)
      problems.push(`${mutant.file}: \`${mutant.find.trim()}\` -> \`${mutant.replace.trim()}\` ${problem}`);
  }
};
try {
  if ((await countFailures('')) > 0) problems.push('The tests fail without any mutant.');
  else await Promise.all(Array.from({ length: AT_ONCE }, work));
} finally {
  await rm(folder, { recursive: true });
}
for (const problem of problems) console.error(problem);
const seconds = Math.round((Date.now() - started) / 1_000);
console.log(`${sample.length} mutants in ${seconds} s, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
