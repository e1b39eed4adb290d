import { isGoldKeyError, redactValue, type GoldKeyErrorCode } from '../core/index.js';
import { styled, tell, type CliIo } from './io.js';

/** The command line was used wrongly: exit code 2. Its message never repeats what was typed, which may be a key. */
export class UsageError extends Error {}

/** A failure of the command itself: exit code 1. Its message says what to do next. */
export class CommandError extends Error {}

/** The keys this run has seen, so that none leaves with a message. */
export class Secrets {
  readonly #keys: string[] = [];

  add(key: string): void {
    this.#keys.push(key);
  }

  hide(text: string): string {
    return redactValue(text, this.#keys);
  }
}

// What the message of the class does not already say.
const NEXT: Partial<Record<GoldKeyErrorCode, string>> = {
  ERR_GOLDKEY_ACCESS_DENIED: 'Check the key policy and the IAM policy of who runs this, or the mode of the file.',
  ERR_GOLDKEY_PROVIDER: 'Check the credentials, --profile, --region and --endpoint-url, then run it again.',
  ERR_GOLDKEY_KEY_TIMEOUT: 'Check the network and --endpoint-url, then run it again.',
  ERR_GOLDKEY_TIMEOUT: 'Check the network and --api-url, then run it again.',
  ERR_GOLDKEY_REJECTED: 'Get the current key from the vendor and store it with `goldkey encrypt`.',
};

// What these say is enough: the options of a key store have nothing to do with it.
const RINGS: ReadonlySet<string | undefined> = new Set(['file', 'redis', 'dynamodb', 'vault']);

// The API's names for what was given as an option here.
const FLAGS: Readonly<Record<string, string>> = {
  '`clientConfig.endpoint`': '--endpoint-url',
  '`encryptionContext`': '--encryption-context',
  '`ciphertext`': '--ciphertext',
  '`keyId`': '--key-id',
  '`alias`': '--alias',
  '`region`': '--region',
  '`masterKeyFile`': '--master-key',
  '`createMasterKey`': '`goldkey create-key --local`',
  '`baseUrl`': '--api-url',
  '`force`': '--force',
  '`version`': '--key-version',
  '`overlap`': '--overlap',
  '`cutover`': '--cutover',
  '`percent`': '--percent',
};

/** Prints an error as one line; with `verbose` its causes below it. Returns the exit code. */
export function report(io: CliIo, error: unknown, secrets: Secrets, verbose: boolean): number {
  const mark = styled(io, 'stderr', 'red', 'goldkey:');
  tell(io, `${mark} ${secrets.hide(sentence(error))}`);
  if (verbose) for (const cause of causesOf(error)) tell(io, `  caused by ${secrets.hide(cause)}`);
  return isUsage(error) ? 2 : 1;
}

/** A value that an option's own check refuses was typed wrong, too. */
function isUsage(error: unknown): boolean {
  return error instanceof UsageError || (error as { code?: unknown } | null)?.code === 'ERR_INVALID_ARG_VALUE';
}

function sentence(error: unknown): string {
  let message = oneLine(error instanceof Error ? error.message : 'an unknown error');
  for (const [name, flag] of Object.entries(FLAGS)) message = message.replaceAll(name, flag);
  const next = isGoldKeyError(error) && !RINGS.has(error.provider) ? NEXT[error.code] : undefined;
  if (next !== undefined) return `${message} ${next}`;
  const known = isUsage(error) || error instanceof CommandError || isGoldKeyError(error);
  return known ? message : `${message} (run it with --verbose to see more)`;
}

function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let next: unknown = error;
  while (next instanceof Error && causes.length < 8) {
    next = next.cause;
    if (next instanceof Error) causes.push(oneLine(`${next.name}: ${next.message}`));
  }
  return causes;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}
