import type { Command } from 'commander';
import type { CliRun } from '../../io.js';
import { addOutputFlags, addStoredKey, addVersion } from '../../options/flags.js';
import { addPriceApi } from '../../options/price-api.js';
import { parseDuration } from '../../options/values.js';

export function addDoctor(program: Command, run: CliRun): void {
  const command = addVersion(addStoredKey(addOutputFlags(program.command('doctor'))));
  addPriceApi(command, 'try the key with this price API, too')
    .description('check all that a key needs, and name the command that repairs what is wrong; changes nothing')
    .optionsGroup('Checks:')
    .option('--writer', 'check the permission to encrypt, too')
    .option('--max-age <time>', 'how old a key may be, e.g. 30d; default 90d', parseDuration('--max-age'))
    .option('--offline', 'leave out what needs the network')
    .option('--strict', 'let a warning count as a failure: exit code 3')
    .action(async (options) => (await import('./doctor.js')).doctor(run, options));
}
