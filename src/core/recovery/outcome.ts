import { parseRetryAfter } from '../util/retry-after.js';
import { LOST_CONNECTION_CODES } from '../util/socket-codes.js';
import { tryOrUndefined, readProperty } from '../util/safe-access.js';
import { isGoldKeyError } from '../errors.js';
import { judgingOnlyResponses } from '../state/result-checks.js';
import type { Outcome } from '../types.js';

const TRANSIENT_STATUS: ReadonlySet<unknown> = new Set([408, 425, 429, 500, 502, 503, 504]);
const TRANSIENT_CODES: ReadonlySet<unknown> = new Set([
  ...LOST_CONNECTION_CODES,
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
/** Longest `cause` chain that is searched. */
const MAX_CAUSES = 16;

/** Returns whether `value` is a fetch `Response`. Checks its tag, because naming the global would load undici. */
export function isResponse(value: unknown): value is Response {
  return readAny(value, Symbol.toStringTag) === 'Response';
}

/** Returns whether an outcome is HTTP 401, wherever the HTTP client puts the status. The default of `isKeyRejected`. */
export function isUnauthorized(outcome: Outcome): boolean {
  if ('error' in outcome) return listCauses(outcome.error).some((error) => listStatuses(error).includes(401));
  return isResponse(outcome.result) && outcome.result.status === 401;
}

/** Returns whether a status or an error code says that a later try may succeed. The default of `isTransient`. */
export function isTransientFailure(outcome: Outcome): boolean {
  if (!('error' in outcome)) return isResponse(outcome.result) && TRANSIENT_STATUS.has(outcome.result.status);
  return listCauses(outcome.error).some((error) => {
    if (isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API')) return error.retryable;
    return (
      listStatuses(error).some((status) => TRANSIENT_STATUS.has(status)) || TRANSIENT_CODES.has(readAny(error, 'code'))
    );
  });
}

judgingOnlyResponses(isTransientFailure);

/** Returns the pause that the other side asks for with a `Retry-After` header, in ms from `now` (epoch ms). */
export function readRetryAfter(outcome: Outcome, now: number): number | undefined {
  const { error, result } = outcome;
  if (isGoldKeyError(error)) return error.retryAfter;
  const value = [result, error, readAny(error, 'response')]
    .map(readRetryAfterHeader)
    .find((found) => found !== undefined);
  return parseRetryAfter(value, now);
}

/** Cancels the body of a `Response` that is not returned: an unread body holds its connection. */
export function cancelBody(result: unknown): void {
  if (!isResponse(result)) return;
  // Async, so that a getter that throws ends here. A locked body belongs to its reader; node-fetch's is a Node.js stream.
  const end = async (): Promise<void> => {
    const { bodyUsed, body } = result;
    if (bodyUsed) return;
    if (typeof body?.cancel === 'function') await body.cancel();
    else (body as unknown as { destroy?: () => void } | null)?.destroy?.();
  };
  end().catch(() => undefined);
}

function readRetryAfterHeader(holder: unknown): string | undefined {
  const headers = readAny(holder, 'headers');
  const get = readAny(headers, 'get');
  const value: unknown =
    typeof get === 'function'
      ? tryOrUndefined(() => get.call(headers, 'retry-after'))
      : readAny(headers, 'retry-after');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function listStatuses(error: unknown): unknown[] {
  const response = readAny(error, 'response');
  return [
    readAny(error, 'status'),
    readAny(error, 'statusCode'),
    readAny(response, 'status'),
    readAny(response, 'statusCode'),
    readAny(readAny(error, '$metadata'), 'httpStatusCode'),
  ];
}

function listCauses(error: unknown): unknown[] {
  const errors: unknown[] = [];
  // The chain ends at `undefined`, which is listed once: its own cause is `undefined` again.
  for (let next = error; errors.length < MAX_CAUSES && !errors.includes(next); next = readAny(next, 'cause'))
    errors.push(next);
  return errors;
}

/** Returns a property of an object, `undefined` for any other value. */
function readAny(holder: unknown, name: PropertyKey): unknown {
  return typeof holder === 'object' && holder !== null ? readProperty(holder, name) : undefined;
}
