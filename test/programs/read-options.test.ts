import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const TEST = resolve(import.meta.dirname, '..');

/** Runs a program below test, and resolves to how it ended. */
const runProgram = (program: string, args: readonly string[], seed = '') =>
  new Promise((done) => {
    const env = { ...process.env, GOLDKEY_SEED: seed };
    const child = execFile(process.execPath, [join(TEST, program), ...args], { env }, (_, stdout, stderr) => {
      done({ code: child.exitCode, stdout, stderr });
    });
  });

const PROVE = 'choose from --short, --broken, --part, --seed.';
const BENCH = 'choose from --quick, --rows, --node, --json, --write, --save, --from, --profile.';
const SEEDS = 'an integer from 0 to 1000000000000000';

const REFUSED: readonly (readonly [program: string, args: string, says: string])[] = [
  ['proof/main.mjs', '--seed abc', `--seed takes ${SEEDS}, not "abc".`],
  ['proof/main.mjs', '--seed=', `--seed takes ${SEEDS}, and none was given.`],
  ['proof/main.mjs', '--seed 1e3', `--seed takes ${SEEDS}, not "1e3".`],
  ['proof/main.mjs', '--nope', `There is no option --nope: ${PROVE}`],
  ['proof/main.mjs', '--toString', `There is no option --toString: ${PROVE}`],
  ['proof/main.mjs', '-s', `There is no option -s: ${PROVE}`],
  ['proof/main.mjs', '--short too', `"too" is a word too many: ${PROVE}`],
  ['proof/main.mjs', '--short=yes', '--short takes no value.'],
  ['proof/main.mjs', '--part', '--part takes some of a,b,c, and none was given.'],
  ['proof/main.mjs', '--part --short', '--part takes some of a,b,c, not "--short".'],
  ['proof/main.mjs', '--part toString', '--part takes some of a,b,c, not "toString".'],
  ['proof/main.mjs', '--part a,d', '--part takes some of a,b,c, not "a,d".'],
  ['proof/simulate.mjs', '--hours x', '--hours takes an integer from 1 to 1000, not "x".'],
  ['proof/simulate.mjs', '--hours 0', '--hours takes an integer from 1 to 1000, not "0".'],
  ['proof/simulate.mjs', '--hours 1.5', '--hours takes an integer from 1 to 1000, not "1.5".'],
  ['proof/simulate.mjs', '--instances 0', '--instances takes an integer from 1 to 1000000, not "0".'],
  [
    'proof/simulate.mjs',
    '--instances 999 --write',
    '--write takes at least --instances 1000 and --hours 24: the guide is to show a whole day of a fleet.',
  ],
  [
    'proof/simulate.mjs',
    '--hours 23 --write',
    '--write takes at least --instances 1000 and --hours 24: the guide is to show a whole day of a fleet.',
  ],
  ['proof/simulate.mjs', '--check --write', '--check writes nothing: give it without --write.'],
  ['bench/main.mjs', '--write now', `"now" is a word too many: ${BENCH}`],
  ['bench/main.mjs', '--node', '--node takes a path or a major version, and none was given.'],
  ['fuzz/main.mjs', '--seconds -1', '--seconds takes an integer from 1 to 86400, not "-1".'],
  ['fuzz/main.mjs', '--seconds 0', '--seconds takes an integer from 1 to 86400, not "0".'],
  ['fuzz/main.mjs', '--input AAAA', '--input needs one --target that it is for.'],
  ['fuzz/main.mjs', '--target jwe --input %', '--input takes an input in base64, not "%".'],
];

describe('a program below test', () => {
  it.each(REFUSED)('%s refuses %s in a sentence, and runs nothing', async (program, args, says) => {
    expect(await runProgram(program, args.split(' '))).toEqual({ code: 2, stdout: '', stderr: `${says}\n` });
  });

  it('refuses a seed of the environment that is none', async () => {
    const stderr = `GOLDKEY_SEED takes ${SEEDS}, not "today".\n`;

    expect(await runProgram('proof/main.mjs', ['--short'], 'today')).toEqual({ code: 2, stdout: '', stderr });
  });

  it('lists the targets of the fuzzer where there is none of that name', async () => {
    const ended = await runProgram('fuzz/main.mjs', ['--target', 'nope']);

    expect(ended).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--target takes some of .*jwe.*, not "nope"\.\n$/),
    });
  });

  it.each(['bench/main.mjs', 'proof/main.mjs', 'proof/simulate.mjs', 'fuzz/main.mjs'])(
    '%s explains itself with --help',
    async (program) => {
      const ended = await runProgram(program, ['--help']);

      expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/npm run \w+ -- \[--/), stderr: '' });
    },
  );
});
