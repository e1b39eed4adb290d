import type { Command } from 'commander';
import { addEncryptionContext, parseMfaSerial } from './values.js';

// The options that several commands share, so that each is called the same everywhere.

export function addOutputFlags(command: Command): Command {
  return addVerbose(
    command.optionsGroup('Output:').option('--json', 'print the result as one line of JSON, an error too'),
  );
}

export function addVerbose(command: Command): Command {
  return command.optionsGroup('Output:').option('--verbose', 'with an error, print its causes too');
}

export function addMasterKey(command: Command): Command {
  const local = command.createOption('--local', 'use a master-key file in place of KMS');
  return command
    .optionsGroup('Master key:')
    .option('--region <region>', 'AWS Region of the KMS key')
    .option('--profile <name>', 'profile of the AWS configuration files')
    .option('--mfa-serial <arn>', "an IAM user's MFA device; its code is asked for", parseMfaSerial)
    .option('--endpoint-url <url>', 'another address for KMS')
    .option('--dangerously-allow-http', 'allow plain http to any host, e.g. to LocalStack; the network sees every key')
    .addOption(local.conflicts(['keyId', 'region', 'profile', 'mfaSerial', 'endpointUrl', 'store', 'alias']))
    .option('--master-key <file>', 'the master-key file of --local');
}

/** The stores that --store may name, by what the command does with them. */
const ANY_STORE = 'another key store: vault://mount/path, secrets-manager://id, ssm://name, file://path …';
export const ENCRYPTING_STORE = 'encrypt with vault-transit://mount/key in place of KMS';

export function addCipher(command: Command, store: string = ANY_STORE): Command {
  return addMasterKey(command)
    .option('--key-id <id>', 'KMS key: alias, id or ARN')
    .option(
      '--encryption-context <pairs>',
      'what a ciphertext is bound to, the same to encrypt and to decrypt: name=value,… or JSON; repeatable; {} for none',
      addEncryptionContext,
    )
    .optionsGroup('Key store:')
    .option('--store <url>', store);
}

export function addRing(command: Command): Command {
  const ring = command.createOption(
    '--ring <ring>',
    'a file, rediss://host/name (redis:// on this machine), dynamodb://table/name or vault://mount/path',
  );
  return command
    .optionsGroup('Key store:')
    .addOption(ring.conflicts(['ciphertext', 'ciphertextFile']))
    .option('--name <name>', "the ring's name; default: what the file or path is called");
}

export function addStoredKey(command: Command): Command {
  const ciphertext = command.createOption('--ciphertext <text>', 'what `goldkey encrypt` printed');
  return addRing(addCipher(command))
    .addOption(ciphertext.conflicts('ciphertextFile'))
    .option('--ciphertext-file <file>', 'a file that holds it; default: the variable GOLD_API_KEY_CIPHERTEXT');
}

/** Adds the option that chooses a version other than the current one. */
export function addVersion(command: Command): Command {
  return command
    .optionsGroup('Key store:')
    .option('--key-version <version>', 'this version, also a staged one: of a ring, of vault:// or of ssm://');
}

export function addKeyFile(command: Command): Command {
  return command.optionsGroup('New key:').option('--key-file <file>', 'read the API key from a file');
}
