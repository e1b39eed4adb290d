import type { Command, Option } from 'commander';
import type { Secrets } from '../errors.js';
import type { CliIo } from '../io.js';
import { choosesPriceApi } from '../options/price-api.js';
import type { RotateCommandOptions } from './rotate.js';

/** What the commands of `rotate` are built with. */
export interface Building {
  readonly io: CliIo;
  readonly secrets: Secrets;
  /** Adds the options that say which master key. */
  withContext(command: Command): Command;
  /** Adds the options that say which ring. */
  withRing(command: Command): Command;
  option(flags: string, description: string): Option;
  exitWith(code: number): void;
}

const STEPS = [
  ['init', 'make the ring with the key in use today, typed, piped in or from a file'],
  ['stage', 'stage a new key, typed, piped in or from a file; nobody uses it yet'],
  ['canary', 'have a share of the clients use the staged key'],
  ['promote', 'make the staged key current; the old one is kept for the overlap'],
  ['revert', 'reject the staged key, or go back to the previous one'],
  ['retire', 'remove the previous key once its overlap has ended'],
] as const;

/** Adds `rotate` and its commands to `program`. */
export function addRotate(program: Command, { io, secrets, withContext, withRing, option, exitWith }: Building): void {
  const rotate = program.command('rotate').description('rotate a key without downtime, step by step');
  const command = (name: string, description: string): Command =>
    withRing(rotate.command(name).description(description))
      .option('--json', 'print the result as one line of JSON')
      .option('--verbose', 'with an error, print its causes too');
  const all = async (): Promise<typeof import('./rotate.js')> => import('./rotate.js');

  for (const [step, description] of STEPS) {
    const added = withContext(command(step, description));
    if (step === 'init' || step === 'stage') {
      added.option('--key-file <file>', 'read the API key from a file');
      added.addOption(
        option('--metadata <pair>', 'a note, name=value; repeatable').argParser((pair: string, before?: string[]) => [
          ...(before ?? []),
          pair,
        ]),
      );
    }
    if (step !== 'init') {
      added.option('--key-version <version>', 'take the step only for this version');
      added.option('--revision <number>', 'take the step only at this revision of the ring');
    }
    if (step === 'stage' || step === 'promote' || step === 'retire')
      added.option('--force', 'take the step although it is refused');
    if (step === 'canary') added.option('--percent <number>', 'the share of the clients, from 0 to 100');
    if (step === 'promote') {
      added.option('--overlap <time>', 'how long the old key is kept; default 24h');
      added.option('--cutover', 'no overlap: the account has one key at a time, and the old one is gone');
    }
    if (step !== 'init' && step !== 'canary') {
      added.addOption(choosesPriceApi(option('--api <name>', 'try the key with this price API first')));
      added.option('--api-url <url>', 'another address for the price API');
    }
    added.action(async (options: RotateCommandOptions) => (await all()).rotateStep(io, step, options, secrets));
  }
  command('status', 'show where the rotation stands, and what comes next').action(
    async (options: RotateCommandOptions) => (await all()).rotateStatus(io, options),
  );
  command('due', 'say whether the current key is older than --max-age; exit code 3 when it is')
    .option('--max-age <time>', 'e.g. 90d')
    .action(async (options: RotateCommandOptions) => {
      exitWith(await (await all()).rotateDue(io, options));
    });
}
