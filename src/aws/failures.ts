import { backoffWindow, halfJitter, isGoldKeyError, LOST_CONNECTION_CODES } from '../core/index.js';
import { parseErrorName } from '../util/error-name.js';

/** The kind of a failure, which decides how it is explained. */
export type AwsFailureKind =
  | 'throttling'
  | 'transient'
  | 'timeout'
  | 'socket'
  | 'unreadable'
  | 'invalid'
  | 'credentials'
  | 'no-credentials'
  | 'sign-in'
  | 'mfa'
  | 'signature'
  | 'no-region'
  | 'other';

/** An error of the AWS SDK, classified. */
export interface AwsFailure {
  readonly kind: AwsFailureKind;
  /** The error's name, or `Error` if it has none that can be shown. */
  readonly name: string;
  /** The code of Node.js, e.g. `ECONNREFUSED`, or an empty string. */
  readonly code: string;
  /** The HTTP status, or 0 if there was no answer. */
  readonly status: number;
  /** The longest pause before the first retry, in ms; `undefined` if a retry would change nothing. */
  readonly retryWindow: number | undefined;
}

/** The fields that an error of the SDK may have. */
export interface AwsSdkError {
  name?: unknown;
  code?: unknown;
  message?: unknown;
  $fault?: unknown;
  $metadata?: { httpStatusCode?: unknown } | undefined;
  $response?: { body?: unknown } | undefined;
  /** The bytes that Node's HTTP parser could not read. */
  rawPacket?: unknown;
}

/** The names of errors that tell their kind. */
const NAMES = {
  throttling: [
    'ThrottlingException',
    'Throttling',
    'ThrottledException',
    'RequestThrottled',
    'RequestThrottledException',
    'TooManyRequestsException',
    'RequestLimitExceeded',
    'LimitExceededException',
    'ProvisionedThroughputExceededException',
    'SlowDown',
  ],
  transient: [
    'KMSInternalException',
    'DependencyTimeoutException',
    'KeyUnavailableException',
    'ReplicatedWriteConflictException',
    'TransactionConflictException',
    'InternalFailure',
    'InternalServerError',
    'InternalServiceError',
    'ServiceUnavailable',
    'ServiceUnavailableException',
  ],
  invalid: ['ValidationException', 'InvalidArnException', 'InvalidParameterException'],
  credentials: [
    'ExpiredTokenException',
    'ExpiredToken',
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'MissingAuthenticationTokenException',
    'MissingAuthenticationToken',
    'IncompleteSignature',
    'IncompleteSignatureException',
    'AccessDenied',
  ],
  'no-credentials': ['CredentialsProviderError', 'TokenProviderError', 'ProviderError'],
  signature: ['InvalidSignatureException', 'SignatureDoesNotMatch', 'RequestExpired', 'RequestTimeTooSkewed'],
} satisfies Partial<Record<AwsFailureKind, readonly string[]>>;
/** Parts of what the SDK says of a profile whose user has to sign in. */
const SIGN_IN_TEXTS = ['aws sso login', 'aws login', 'eauthenticate'];
/** The kinds that the name alone decides, whatever status or code comes with it. */
const CAUSES = ['invalid', 'credentials', 'no-credentials', 'signature'] as const;

/** The kinds that pass once credentials are renewed. */
const STALE_KINDS: ReadonlySet<AwsFailureKind> = new Set(['credentials', 'no-credentials', 'sign-in', 'mfa']);

/** Classifies by name, code and status, never by class: the SDK has no class for the most frequent errors. */
export function classifyAwsError(error: unknown): AwsFailure {
  const { name: givenName, code: givenCode, message, $fault, $metadata } = readAwsError(error);
  const name = parseErrorName(givenName) ?? 'Error';
  const code = parseErrorName(givenCode) ?? '';
  const status = typeof $metadata?.httpStatusCode === 'number' ? $metadata.httpStatusCode : 0;
  const transient = findTransientKind(name, code, status, $fault);
  const cause = CAUSES.find((kind) => NAMES[kind].includes(name));
  return {
    kind:
      (cause === 'no-credentials' ? findSignInKind(message) : cause) ??
      transient ??
      (isRegionMissing(name, message) ? 'no-region' : 'other'),
    name,
    code,
    status,
    retryWindow: transient === undefined ? undefined : transient === 'throttling' ? 1_000 : 100,
  };
}

function findTransientKind(name: string, code: string, status: number, $fault: unknown): AwsFailureKind | undefined {
  if (NAMES.throttling.includes(name) || status === 429) return 'throttling';
  // The SDK reports a lost connection as a TimeoutError too; only the code tells them apart.
  if (LOST_CONNECTION_CODES.has(code)) return 'socket';
  if (name === 'TimeoutError' || code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') return 'timeout';
  // The name, because the JSON parser may belong to another realm.
  if (name === 'SyntaxError') return 'unreadable';
  const isTransient = NAMES.transient.includes(name) || [500, 502, 503, 504].includes(status) || $fault === 'server';
  return isTransient ? 'transient' : undefined;
}

/** Returns why the SDK found no credentials. Only its texts tell a sign-in that has expired from none at all. */
function findSignInKind(message: unknown): AwsFailureKind {
  const text = typeof message === 'string' ? message : '';
  if (text.includes('multi-factor')) return 'mfa';
  return SIGN_IN_TEXTS.some((part) => text.includes(part)) ? 'sign-in' : 'no-credentials';
}

/** Returns whether the SDK found no Region: it gives that error neither a name nor a code. */
function isRegionMissing(name: string, message: unknown): boolean {
  if (name !== 'Error' || typeof message !== 'string') return false;
  return message === 'Region is missing' || message.startsWith('Region not accepted: region="" ');
}

/**
 * Returns the pause before another attempt, in ms, or `undefined` if another attempt would change nothing. The window
 * starts at 100 ms (1 s for throttling) and doubles with each retry.
 */
export function computeAwsRetryDelay(error: unknown, retried: number): number | undefined {
  if (isGoldKeyError(error)) return undefined;
  const { retryWindow } = classifyAwsError(error);
  return retryWindow === undefined ? undefined : halfJitter(backoffWindow(retryWindow, retried));
}

/**
 * Returns whether a request only has to be signed again: it was signed before a freeze, or by a clock that is off, which
 * the client has corrected by the answer.
 */
export function isSignatureStale(error: unknown): boolean {
  const { name, message } = readAwsError(error);
  if (name === 'RequestExpired' || name === 'RequestTimeTooSkewed') return true;
  // AWS has one name for a wrong secret and a wrong time; only the text tells them apart.
  return (
    name === 'InvalidSignatureException' &&
    typeof message === 'string' &&
    ['Signature expired', 'Signature not yet current'].some((text) => message.includes(text))
  );
}

/**
 * Returns whether credentials were refused or missing, which may have been renewed since they were read. A client of the SDK
 * would keep those without an end, and the content of its files, until the process ends.
 */
export function needsFreshCredentials(error: unknown): boolean {
  const { kind, name } = classifyAwsError(error);
  // A stale signature is the clock's fault, which the client has noted.
  if (kind === 'signature') return !isSignatureStale(error);
  return STALE_KINDS.has(kind) || name === 'AccessDeniedException';
}

/** Resolves to `undefined` if `request` fails with one of these error names; rethrows any other error. */
export async function allowErrors<T>(request: Promise<T>, names: readonly string[]): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (names.includes(classifyAwsError(error).name)) return undefined;
    throw error;
  }
}

/** Returns the fields of an error of the SDK; anything may be thrown. */
function readAwsError(error: unknown): AwsSdkError {
  return typeof error === 'object' && error !== null ? error : {};
}
