import { isGoldKeyError, LOST_CONNECTION_CODES } from '../core/index.js';

const THROTTLING: ReadonlySet<string> = new Set([
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
]);
const TRANSIENT: ReadonlySet<string> = new Set([
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
]);
const STATUS: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** What an SDK's error may bring. */
export interface AwsFailure {
  name?: unknown;
  code?: unknown;
  message?: unknown;
  $fault?: unknown;
  $metadata?: { httpStatusCode?: unknown } | undefined;
  $response?: { body?: unknown } | undefined;
}

/** What kind of failure it is, which decides whether and when to try again. */
export type AwsFault = 'throttling' | 'transient' | 'timeout' | 'socket' | 'other';

/** SDK errors are told apart by name, code and status, never by class: the most frequent ones have no class. */
export function faultOf(error: unknown): { fault: AwsFault; name: string; code: string; status: number } {
  const failure = (typeof error === 'object' && error !== null ? error : {}) as AwsFailure;
  const name = word(failure.name) ?? 'Error';
  const code = word(failure.code) ?? '';
  const status = failure.$metadata?.httpStatusCode;
  const at = { name, code, status: typeof status === 'number' ? status : 0 };
  if (THROTTLING.has(name) || status === 429) return { fault: 'throttling', ...at };
  // The SDK calls a socket that hung up a TimeoutError too; its code tells.
  if (LOST_CONNECTION_CODES.has(code)) return { fault: 'socket', ...at };
  if (name === 'TimeoutError' || code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') return { fault: 'timeout', ...at };
  if (TRANSIENT.has(name) || STATUS.has(at.status) || failure.$fault === 'server' || isUnreadable(error)) {
    return { fault: 'transient', ...at };
  }
  return { fault: 'other', ...at };
}

/**
 * The pause before another try, in ms, or `undefined` when another try would change nothing: a draw from the upper half
 * of a window that starts at 100 ms, 1 s for throttling, and doubles.
 */
export function awsPause(error: unknown, retried: number): number | undefined {
  if (isGoldKeyError(error)) return undefined;
  const { fault } = faultOf(error);
  if (fault === 'other') return undefined;
  const window = (fault === 'throttling' ? 1_000 : 100) * 2 ** retried;
  return Math.round((window * (1 + Math.random())) / 2);
}

/**
 * A request that was signed before a freeze, or by a clock that is off, which the client has set by the answer meanwhile:
 * signing it again is all it takes.
 */
export function isOutOfTime(error: unknown): boolean {
  const { name, message } = (typeof error === 'object' && error !== null ? error : {}) as AwsFailure;
  if (name === 'RequestExpired' || name === 'RequestTimeTooSkewed') return true;
  // There is one name for a wrong secret and for a wrong time; only the text tells them apart.
  return (
    name === 'InvalidSignatureException' &&
    typeof message === 'string' &&
    ['Signature expired', 'Signature not yet current'].some((words) => message.includes(words))
  );
}

/** The SDK gives a region that cannot be found neither name nor code. */
export function isRegionMissing(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'Error') return false;
  return error.message === 'Region is missing' || error.message.startsWith('Region not accepted: region="" ');
}

/** A body that is not JSON. By name: the parser may belong to another realm. */
export function isUnreadable(error: unknown): boolean {
  return (error as Partial<Error> | null | undefined)?.name === 'SyntaxError';
}

/** Names and codes go into messages, and a name comes off the wire: only what looks like one is taken for one. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(value) ? value : undefined;
}

/** What is asked for, `undefined` when the service has one of these names for it: what is not there may be no error. */
export async function orAbsent<T>(asked: Promise<T>, absent: readonly string[]): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (absent.includes(faultOf(error).name)) return undefined;
    throw error;
  }
}
