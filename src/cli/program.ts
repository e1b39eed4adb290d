import type { Command } from 'commander';
import { addDoctor } from './commands/doctor/options.js';
import { addPolicy } from './commands/policy/options.js';
import { addRotate } from './commands/rotate-options.js';
import type { CliRun } from './io.js';
import { readManifest } from './manifest.js';
import type { CommandOptions } from './options/command-options.js';
import { addHelpTexts } from './help.js';
import {
  addCipher,
  addKeyFile,
  addMasterKey,
  addOutputFlags,
  addStoredKey,
  addVerbose,
  addVersion,
  ENCRYPTING_STORE,
} from './options/flags.js';
import { addPriceApi } from './options/price-api.js';
import { addGlob, parseInterval, parseSize } from './options/values.js';

/** Builds the commands; each loads its code when it runs. */
export async function buildProgram(run: CliRun): Promise<Command> {
  const { io } = run;
  const { Command: Program } = await import('commander');
  const program = addVerbose(new Program('goldkey'))
    .description('Keeps a price API key encrypted under a master key, in AWS KMS or in a local file.')
    .version(readManifest().version, '-v, --version')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // The caller prints the error, without the text that was typed.
      outputError: () => undefined,
    })
    .exitOverride();
  const command = (name: string, description: string): Command =>
    addOutputFlags(program.command(name).description(description));

  addMasterKey(command('create-key', 'create the master key; safe to run twice'))
    .option('--alias <alias>', 'name of the KMS key, alias/…')
    .action(async (options) => (await import('./commands/create-key.js')).createKey(io, options));

  addKeyFile(
    addCipher(
      command('encrypt', 'encrypt an API key, typed, piped in or from a file; print the ciphertext'),
      ENCRYPTING_STORE,
    ),
  )
    .option('--envelope', 'for many keys or over 4,096 bytes: print a message of the AWS Encryption SDK')
    .action(async (options) => (await import('./commands/encrypt.js')).encrypt(run, options));

  addKeyFile(
    addCipher(
      command('put', 'write an API key, typed, piped in or from a file, to --store; it is read back and compared'),
    ),
  ).action(async (options) => (await import('./commands/put.js')).put(run, options));

  const verify = command('verify', 'decrypt; print version, fingerprint and length, never the key');
  const message = verify.createOption('--envelope', 'the ciphertext is a message of `goldkey encrypt --envelope`');
  addVersion(addStoredKey(verify))
    .addOption(message.conflicts('ring'))
    .action(async (options) => (await import('./commands/verify.js')).verify(io, options));

  const price = command('price', 'decrypt the key and ask a price API for prices, once or again and again');
  const watch = price.createOption('--watch [interval]', 'ask again (10s, 5m; at least 1s) until Ctrl-C');
  addPriceApi(addVersion(addStoredKey(price)), 'the price API', 'metals-api')
    .argument('[symbols...]', 'the metals', ['XAU'])
    .addOption(watch.preset('60s').argParser(parseInterval))
    .action(async (symbols: string[]) =>
      (await import('./commands/price.js')).price(run, symbols, price.optsWithGlobals<CommandOptions>()),
    );

  addVersion(addStoredKey(command('copy', 'copy a key from one store to another, and read it back; it is never shown')))
    .optionsGroup('Key store:')
    .option('--from <url>', 'the store to copy from; default: what --ring or --ciphertext names')
    .option('--to <url>', 'the store to copy to; default with --from: a ciphertext under KMS or --local')
    .action(async (options) => (await import('./commands/copy.js')).copy(run, options));

  addRotate(program, run);
  addPolicy(program, run);
  addDoctor(program, run);

  const verifyLog = program
    .command('audit')
    .description('check the records of `goldkey/audit`')
    .command('verify <files...>');
  addOutputFlags(verifyLog)
    .description('check that no line was changed or removed, file after file, oldest first; exit code 3 if one was')
    .option(
      '--chain-key-file <file>',
      'the raw bytes of the key of the checkpoints; with it, lines cut off at the end show too',
    )
    .action(async (files: string[], options) =>
      (await import('./commands/audit-verify.js')).auditVerify(run, files, options),
    );

  const scan = command('scan', 'look for the exact key, in every encoding; exit code 3 if it is there');
  addKeyFile(addStoredKey(scan))
    .argument('[paths...]', 'files and folders, or - for stdin; default: this folder')
    .optionsGroup('Search:')
    .option('--git', 'the history as well: every commit, stash, tag and note')
    .addOption(scan.createOption('--staged', 'only the files staged in Git').conflicts(['git', 'stdin']))
    .option('--stdin', 'stdin, as the path -')
    .option('--exclude <glob>', 'leave out files and folders of this name, or path; repeatable', addGlob)
    .option('--max-file-size <size>', 'leave out larger files, e.g. 1g', parseSize)
    .option('--follow-symlinks', 'follow symbolic links')
    .option('--all', 'leave out nothing: neither .git nor the own file of the key')
    .option('--keep-going', 'list what cannot be read, and go on')
    .option('--sarif <file>', 'write the findings as SARIF 2.1.0, too')
    .action(async (paths: string[], options) => (await import('./commands/scan/scan.js')).scan(run, paths, options));

  addVerbose(program.command('demo').description('show the life of a key on this machine alone; needs nothing')).action(
    async () => {
      run.exitCode = await (await import('./commands/demo/demo.js')).demo(io);
    },
  );

  program
    .command('completion')
    .description('print the script by which a shell completes commands and options: bash, zsh or fish')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      (await import('./commands/completion.js')).completion(io, program, shell);
    });
  program.command('man-page', { hidden: true }).action(async () => {
    (await import('./commands/man-page.js')).manPage(io, program);
  });

  addHelpTexts(program);
  return program;
}
