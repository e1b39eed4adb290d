import { isError, isGoldKeyError, redactValue, type GoldKeyErrorCode } from '../core/index.js';
import { clearSpinner } from './spinner.js';
import { styleText, tell, type CliIo } from './io.js';

/** The error of wrong usage: exit code 2. Its message never repeats the text that was typed, which may be a key. */
export class UsageError extends Error {
  readonly advice: string | undefined;

  /** `advice` is the sentence that says what to do next, where the message does not. */
  constructor(message: string, advice?: string) {
    super(message);
    this.advice = advice;
  }
}

/** The error of a command that failed: exit code 1. Its message says what to do next. */
export class CommandError extends Error {}

/** The error of a command that Ctrl-C ended, or another signal: its exit code is the signal's. */
export class InterruptedError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 130) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** An error as a user is told of it. */
export interface Told {
  readonly code: string;
  readonly message: string;
  readonly advice: string | undefined;
}

/** How an error is printed. */
export interface ReportOptions {
  /** The keys that the run has read, so that none shows. */
  readonly secrets: readonly string[];
  /** The arguments: they decide the advice, and whether causes are printed and all is JSON. */
  readonly argv: readonly string[];
}

/** Advice that the message of an error does not hold yet. */
const ADVICE: Partial<Record<GoldKeyErrorCode, string>> = {
  ERR_GOLDKEY_ACCESS_DENIED: 'Check the key policy and the IAM policy of the caller, or the mode of the file.',
  ERR_GOLDKEY_PROVIDER: 'Check the credentials, --profile, --region and --endpoint-url, then run it again.',
  ERR_GOLDKEY_KEY_TIMEOUT: 'Check the network and --endpoint-url, then run it again.',
  ERR_GOLDKEY_TIMEOUT: 'Check the network and --api-url, then run it again.',
};

/** The stores without advice: the options that it names are not theirs, and their messages are complete. */
const WITHOUT_ADVICE: ReadonlySet<string | undefined> = new Set(['file', 'local', 'redis', 'dynamodb', 'vault', 'mfa']);

/** The ends of messages whose reason is in their cause. */
const IN_CAUSE = ['the original error is the `cause`', 'its error is the `cause`', 'see `cause`'];

/** How the message of a step begins whose key the price API refused. */
const KEY_REFUSED = 'The price API refused';

/** The words of the command line by those that the messages of the library use. */
const WORDS: Readonly<Record<string, string>> = {
  '`clientConfig.endpoint`': '--endpoint-url',
  '`encryptionContext` and `bind`': '--encryption-context',
  '`encryptionContext`': '--encryption-context',
  '`ciphertext`': '--ciphertext',
  '`keyId`': '--key-id',
  '`alias`': '--alias',
  '`region`': '--region',
  '`masterKeyFile`': '--master-key',
  '`createMasterKey`': '`npx goldkey create-key --local`',
  '`baseUrl`': '--api-url',
  '`url` or `client`': '--ring',
  '`url`': '--ring',
  'make one with `init`': 'check --ring and --name, or make one with `npx goldkey rotate init`',
  '`ring` or `name`': '--ring or --name',
  '`force`': '--force',
  '`version`': '--key-version',
  '`pinnedVersion`': '--key-version',
  '`overlap`': '--overlap',
  '`cutover`': '--cutover',
  '`percent`': '--percent',
  '`quiet`': '--unused',
  '`probe` refused': KEY_REFUSED,
  '`probe`': '--api',
  '`dangerouslyAllowHttp`': '--dangerously-allow-http',
  '`dangerouslyAllowPlaintext`': '--dangerously-allow-http',
  'give `address` or set': 'set',
  'give `auth` or set': 'set',
  '`address`': 'VAULT_ADDR',
  '`auth`': 'VAULT_TOKEN',
  '`namespace`': 'VAULT_NAMESPACE',
  '`caFile`': 'VAULT_CACERT',
  '`fromKms`': '--key-id in place of --local',
  '`fromLocal`': '--local',
  'as `field`': 'after # in the URL',
  '`field`': 'the name after # in the URL',
  '`mount` and `path`': 'the mount and the path in the URL',
  '`mount`': 'the mount in the URL',
  '`path`': 'the path in the URL',
};

/**
 * Prints an error as one line, with `--verbose` its causes below it; with `--json` as one line of JSON. Returns the exit
 * code.
 */
export function reportError(io: CliIo, error: unknown, { secrets, argv }: ReportOptions): number {
  clearSpinner(io);
  const redact = (text: string): string => redactValue(text, secrets);
  const told = explainError(error, argv);
  const causes = (argv.includes('--verbose') ? listErrors(error).slice(1) : []).map(({ name, message }) =>
    redact(joinLines(`${name}: ${message}`)),
  );
  if (argv.includes('--json')) {
    const { code, message, advice } = told;
    const shown = {
      code,
      message: redact(message),
      advice: redact(advice ?? (code === INTERRUPTED ? ADVICE_OF_INTERRUPTED : ADVICE_OF_ALL)),
      ...(causes.length > 0 && { causes }),
    };
    tell(io, JSON.stringify({ error: shown }));
  } else {
    const text = [told.message, told.advice].filter((part) => part !== undefined).join(' ');
    tell(io, `${styleText(io, 'stderr', 'red', 'goldkey:')} ${redact(text)}`);
    for (const cause of causes) tell(io, `  caused by ${cause}`);
  }
  return findInterrupted(error)?.exitCode ?? EXIT_CODES[told.code] ?? 1;
}

/** The advice in JSON where the message is complete. */
const ADVICE_OF_ALL = 'See the message; --help lists the options.';
const ADVICE_OF_INTERRUPTED = 'Run the command again to go on.';

/** The codes of errors that are not the library's, and their exit codes. */
const USAGE = 'ERR_INVALID_ARG_VALUE';
const INTERRUPTED = 'ERR_INTERRUPTED';
const FAILED = 'ERR_FAILED';
const EXIT_CODES: Readonly<Record<string, number>> = { [USAGE]: 2 };

/** Returns whether the network or the file system failed. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return isError(error) && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

/** Returns an error and its causes, nine at most. */
export function listErrors(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let next = error; isError(next) && errors.length < 9; next = next.cause) errors.push(next);
  return errors;
}

/** Returns the error of the end by a signal. A store asks for an MFA code: Ctrl-C may end that prompt. */
function findInterrupted(error: unknown): InterruptedError | undefined {
  return listErrors(error).find((cause) => cause instanceof InterruptedError);
}

/** Explains an error in the words of the command line. The text is not redacted yet. */
export function explainError(error: unknown, argv: readonly string[]): Told {
  const interrupted = findInterrupted(error);
  if (interrupted !== undefined) return { code: INTERRUPTED, message: interrupted.message, advice: undefined };
  const usage = listErrors(error).find((cause) => cause instanceof UsageError);
  if (usage !== undefined) return { code: USAGE, message: usage.message, advice: usage.advice };
  const message = readMessage(error);
  if (isGoldKeyError(error)) {
    return { code: error.code, message, advice: chooseAdvice(error.code, error.provider, message, argv) };
  }
  // The library's check of an option.
  if ((error as { code?: unknown } | null)?.code === USAGE) return { code: USAGE, message, advice: undefined };
  const advice = error instanceof CommandError ? undefined : '(run it with --verbose to see more)';
  return { code: FAILED, message, advice };
}

/** Returns the reason first: where a message only points to its cause, that of the cause. */
function readMessage(error: unknown): string {
  let message = joinLines(isError(error) ? error.message : 'An unknown error occurred.');
  const { cause } = (isError(error) ? error : {}) as { cause?: unknown };
  const end = IN_CAUSE.find((words) => message.includes(words));
  if (end !== undefined && isError(cause)) {
    const [before = ''] = message.split(end, 1);
    message = `${readMessage(cause)} ${before.replace(/[\s;:,]+$/, '')}.`;
  }
  for (const [name, word] of Object.entries(WORDS)) message = message.replaceAll(name, word);
  return message;
}

function chooseAdvice(
  code: GoldKeyErrorCode,
  provider: string | undefined,
  message: string,
  argv: readonly string[],
): string | undefined {
  const has = (flag: string): boolean => argv.some((word) => word === flag || word.startsWith(`${flag}=`));
  if (code === 'ERR_GOLDKEY_REJECTED') {
    const command = has('--ring') ? 'rotate stage' : has('--store') ? 'put' : 'encrypt';
    return `Get the current key from the vendor and store it with \`npx goldkey ${command}\`.`;
  }
  if (message.includes(KEY_REFUSED) && argv.includes('stage')) {
    return 'No client uses it: stage the right one with `npx goldkey rotate stage`.';
  }
  // The message names the command already.
  if (WITHOUT_ADVICE.has(provider) || message.includes('run `aws ')) return undefined;
  return ADVICE[code];
}

function joinLines(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}
