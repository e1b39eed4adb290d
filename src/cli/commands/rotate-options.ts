import type { Command } from 'commander';
import type { CliRun } from '../io.js';
import { addCipher, addKeyFile, addOutputFlags, addRing, ENCRYPTING_STORE } from '../options/flags.js';
import { addPriceApi } from '../options/price-api.js';
import { addMetadata, parseDuration, parseNumber } from '../options/values.js';
import type { StepName } from './rotate.js';

/** The heading of the options that one step has. */
const STEP = 'Step:';

export function addRotate(program: Command, run: CliRun): void {
  const rotate = program.command('rotate').description('rotate a key without downtime, step by step');
  const load = (): Promise<typeof import('./rotate.js')> => import('./rotate.js');
  const command = (name: string, description: string): Command =>
    addOutputFlags(addCipher(addRing(rotate.command(name).description(description)), ENCRYPTING_STORE));
  const step = (name: StepName, description: string): Command =>
    command(name, description).action(async (options) => (await load()).rotateStep(run, name, options));

  addNewKey(step('init', 'make the ring with the key in use today, typed, piped in or from a file'));
  addForce(addNewKey(step('stage', 'stage a new key, typed, piped in or from a file; no client uses it yet')));
  addForceFlag(addGuards(step('canary', 'let a share of the clients use the staged key'))).option(
    '--percent <number>',
    'the share of the clients, from 0 to 100',
    // The ring checks the range.
    parseNumber(/^\d{1,3}(\.\d{1,3})?$/, '--percent must be a number from 0 to 100.'),
  );
  addForce(step('promote', 'make the staged key current; the old one is kept for the overlap'))
    .option('--overlap <time>', 'how long the old key is kept; default 24h', parseDuration('--overlap'))
    .option('--cutover', 'no overlap: the account has one key at a time, and the old one is gone');
  addProbe(step('revert', 'reject the staged key, or go back to the previous one'));
  addForce(step('retire', 'remove the previous key once its overlap has ended and no client uses it')).option(
    '--unused <time>',
    'how long no client may have reported that it used the key; default 10m',
    parseDuration('--unused'),
  );
  command('status', 'show the ring and the next step').action(async (options) =>
    (await load()).rotateStatus(run, options),
  );
  command('due', 'tell whether the current key is older than --max-age; exit code 3 if it is')
    .optionsGroup(STEP)
    .option('--max-age <time>', 'e.g. 90d', parseDuration('--max-age'))
    .action(async (options) => (await load()).rotateDue(run, options));
}

function addNewKey(command: Command): Command {
  return addKeyFile(command).option('--metadata <pair>', 'a note, name=value; repeatable', addMetadata);
}

function addGuards(command: Command): Command {
  const parse = parseNumber(/^[1-9]\d{0,14}$/, '--revision must be an integer from 1.');
  return command
    .optionsGroup(STEP)
    .option('--key-version <version>', 'take the step only for this version')
    .option('--revision <number>', 'take the step only at this revision of the ring', parse);
}

function addProbe(command: Command): Command {
  return addPriceApi(addGuards(command), 'try the key with this price API first');
}

function addForce(command: Command): Command {
  return addForceFlag(addProbe(command));
}

function addForceFlag(command: Command): Command {
  return command.optionsGroup(STEP).option('--force', 'take the step although it is refused');
}
