import { createRequire } from 'node:module';
import type { Command } from 'commander';
import type { CopyOptions } from './commands/copy.js';
import type { CreateKeyOptions } from './commands/create-key.js';
import type { EncryptOptions } from './commands/encrypt.js';
import { addEncryptionContext } from './options/encryption-context.js';
import type { Secrets } from './errors.js';
import type { CliIo } from './io.js';
import { choosesPriceApi } from './options/price-api.js';
import type { PriceOptions } from './commands/price.js';
import { addRotate } from './commands/rotate-options.js';
import type { VerifyOptions } from './commands/verify.js';

/** The commands, each loading what it needs when it runs. */
export async function buildProgram(io: CliIo, secrets: Secrets): Promise<{ program: Command; exitCode: () => number }> {
  const { Command: Program, Option } = await import('commander');
  let code = 0;
  const program = new Program('goldkey')
    .description('Keeps a price API key encrypted under a master key, in AWS KMS or in a local file.')
    .version(version())
    .option('--verbose', 'with an error, print its causes too')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Said once, by the caller, without what was typed.
      outputError: () => undefined,
    })
    .exitOverride();

  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option('--json', 'print the result as one line of JSON')
      .option('--verbose', 'with an error, print its causes too');
  const withContext = (on: Command): Command =>
    withStore(on)
      .option('--key-id <id>', 'KMS key: alias, id or ARN')
      .option('--store <url>', 'another key store: vault://mount/path, secrets-manager://id, ssm://name, file://path …')
      .addOption(
        new Option('--encryption-context <pairs>', 'name=value,…  or JSON; repeatable; {} for none').argParser(
          addEncryptionContext,
        ),
      );
  const withCiphertext = (on: Command): Command =>
    withRing(withContext(on))
      .option('--ciphertext <base64>', 'what `goldkey encrypt` printed')
      .option('--ciphertext-file <file>', 'a file that holds it');

  withStore(command('create-key', 'create the master key; safe to run twice'))
    .option('--alias <alias>', 'name of the KMS key, alias/…')
    .action(async (options: CreateKeyOptions) => (await import('./commands/create-key.js')).createKey(io, options));

  withContext(command('encrypt', 'encrypt an API key, typed, piped in or from a file; print the ciphertext'))
    .option('--key-file <file>', 'read the API key from a file')
    .action(async (options: EncryptOptions) => (await import('./commands/encrypt.js')).encrypt(io, options, secrets));

  withCiphertext(command('verify', 'decrypt; print version, fingerprint and length, never the key')).action(
    async (options: VerifyOptions) => (await import('./commands/verify.js')).verify(io, options),
  );

  withCiphertext(command('price', 'decrypt the key and ask a price API for prices, once or again and again'))
    .argument('[symbols...]', 'the metals', ['XAU'])
    .addOption(choosesPriceApi(new Option('--api <name>', 'the price API')).default('metals-api'))
    .option('--api-url <url>', 'another address for the price API')
    .option('--watch [interval]', 'ask again every 60s, or as often as it says (10s, 5m; at least 1s), until Ctrl-C')
    .action(async (symbols: string[], _: unknown, asked: Command) =>
      (await import('./commands/price.js')).price(io, symbols, asked.optsWithGlobals<PriceOptions>(), secrets),
    );

  withCiphertext(command('copy', 'copy a key from one store to another, and read it back there; it is never shown'))
    .option('--from <url>', 'where it is; without it, as --ring or --ciphertext say')
    .option('--to <url>', 'where it goes; without it, a ciphertext under KMS or --local')
    .action(async (options: CopyOptions) => (await import('./commands/copy.js')).copy(io, options, secrets));

  addRotate(program, {
    io,
    secrets,
    withContext,
    withRing,
    option: (flags, text) => new Option(flags, text),
    exitWith(exitCode) {
      code = exitCode;
    },
  });

  program
    .command('demo')
    .description('show the life of a key on this machine alone; needs nothing')
    .option('--verbose', 'with an error, print its causes too')
    .action(async () => {
      code = await (await import('./commands/demo/demo.js')).demo(io);
    });

  return { program, exitCode: () => code };
}

/** A ring is named in the same words wherever one is. */
function withRing(command: Command): Command {
  return command
    .option('--ring <ring>', 'a file, rediss://host/name, dynamodb://table/name or vault://mount/path')
    .option('--name <name>', "the ring's name; default: what the file or path is called");
}

function withStore(command: Command): Command {
  return command
    .option('--region <region>', 'AWS Region of the KMS key')
    .option('--profile <name>', 'profile of the AWS configuration files')
    .option('--endpoint-url <url>', 'another address for KMS')
    .option('--local', 'use a master-key file in place of KMS')
    .option('--master-key <file>', 'the master-key file of --local');
}

/** By the package's own name: the published file lies elsewhere than this one. */
function version(): string {
  const found = createRequire(import.meta.url)('goldkey/package.json') as { version: string };
  return found.version;
}
