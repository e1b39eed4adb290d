import { isError, isGoldKeyError, redactValue, type GoldKeyErrorCode } from '../core/index.js';
import { styleText, tell, type CliIo } from './io.js';

/** The error of wrong usage: exit code 2. Its message never repeats the text that was typed, which may be a key. */
export class UsageError extends Error {}

/** The error of a command that failed: exit code 1. Its message says what to do next. */
export class CommandError extends Error {}

/** Advice that the message of an error does not hold yet. */
const ADVICE: Partial<Record<GoldKeyErrorCode, string>> = {
  ERR_GOLDKEY_ACCESS_DENIED: 'Check the key policy and the IAM policy of the caller, or the mode of the file.',
  ERR_GOLDKEY_PROVIDER: 'Check the credentials, --profile, --region and --endpoint-url, then run it again.',
  ERR_GOLDKEY_KEY_TIMEOUT: 'Check the network and --endpoint-url, then run it again.',
  ERR_GOLDKEY_TIMEOUT: 'Check the network and --api-url, then run it again.',
  ERR_GOLDKEY_REJECTED: 'Get the current key from the vendor and store it with `goldkey encrypt`.',
};

/** The stores without advice: the options that it names are not theirs, and their messages are complete. */
const WITHOUT_ADVICE: ReadonlySet<string | undefined> = new Set(['file', 'redis', 'dynamodb', 'vault']);

/** The flags by the names that the messages of the library use. */
const FLAGS: Readonly<Record<string, string>> = {
  '`clientConfig.endpoint`': '--endpoint-url',
  '`encryptionContext` and `bind`': '--encryption-context',
  '`encryptionContext`': '--encryption-context',
  '`ciphertext`': '--ciphertext',
  '`keyId`': '--key-id',
  '`alias`': '--alias',
  '`region`': '--region',
  '`masterKeyFile`': '--master-key',
  '`createMasterKey`': '`goldkey create-key --local`',
  '`baseUrl`': '--api-url',
  '`ring` or `name`': '--ring or --name',
  '`force`': '--force',
  '`version`': '--key-version',
  '`overlap`': '--overlap',
  '`cutover`': '--cutover',
  '`percent`': '--percent',
};

/** Prints an error as one line without the keys in `secrets`; with `verbose` its causes below it. Returns the exit code. */
export function reportError(io: CliIo, error: unknown, secrets: readonly string[], verbose: boolean): number {
  tell(io, `${styleText(io, 'stderr', 'red', 'goldkey:')} ${redactValue(formatError(error), secrets)}`);
  for (const { name, message } of verbose ? listErrors(error).slice(1) : []) {
    tell(io, `  caused by ${redactValue(joinLines(`${name}: ${message}`), secrets)}`);
  }
  return isUsage(error) ? 2 : 1;
}

/** Returns an error and its causes, nine at most. */
export function listErrors(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let next = error; isError(next) && errors.length < 9; next = next.cause) errors.push(next);
  return errors;
}

/** Tells whether the user typed something wrong; the library's check of an option counts, too. */
function isUsage(error: unknown): boolean {
  return error instanceof UsageError || (error as { code?: unknown } | null)?.code === 'ERR_INVALID_ARG_VALUE';
}

function formatError(error: unknown): string {
  let message = joinLines(isError(error) ? error.message : 'An unknown error occurred.');
  for (const [name, flag] of Object.entries(FLAGS)) message = message.replaceAll(name, flag);
  if (isGoldKeyError(error)) {
    const advice = WITHOUT_ADVICE.has(error.provider) ? undefined : ADVICE[error.code];
    return advice === undefined ? message : `${message} ${advice}`;
  }
  const isOurs = isUsage(error) || error instanceof CommandError;
  return isOurs ? message : `${message} (run it with --verbose to see more)`;
}

function joinLines(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}
