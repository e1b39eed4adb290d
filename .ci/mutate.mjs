// Runs Stryker over groups of sources, each with its own tests: node .ci/mutate.mjs [GROUP ...] [options of Stryker], all
// groups by default. Fails if a group's score is under its threshold. Reports: reports/mutation. With --write, which comes
// last, the score of each file goes into test/proof/RESULTS.md.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { groups } from '../test/config/mutation.mjs';
import { writeMutationTable } from './mutation-table.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);
const isWritten = args.at(-1) === '--write' && args.pop() !== undefined;
const end = args.findIndex((arg) => arg.startsWith('-'));
const options = end === -1 ? [] : args.splice(end);
const unknown = args.filter((name) => !groups.includes(name));
if (unknown.length > 0) throw new Error(`There is no group ${unknown.join(', ')}; there are ${groups.join(', ')}.`);

const wanted = args.length === 0 ? groups : args;
for (const name of wanted) {
  const { status } = spawnSync('node_modules/.bin/stryker', ['run', 'test/config/stryker.config.mjs', ...options], {
    cwd: root,
    env: { ...process.env, GOLDKEY_MUTATE: name },
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
if (isWritten) await writeMutationTable(wanted.map((name) => `reports/mutation/${name}.json`));
