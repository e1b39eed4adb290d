import { LOST_CONNECTION_CODES } from '../util/socket-codes.js';
import { tryOrUndefined, readProperty } from '../util/safe-access.js';
import { isGoldKeyError } from '../errors.js';
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
/** How far down a `cause` chain is looked. */
const MAX_CAUSES = 16;

/** A fetch `Response`, known by its tag: naming the global would load undici. */
export function isResponse(value: unknown): value is Response {
  return readAny(value, Symbol.toStringTag) === 'Response';
}

/** The default of `isKeyRejected`: HTTP status 401, wherever an HTTP client puts it. */
export function isUnauthorized(outcome: Outcome): boolean {
  if ('error' in outcome) return chain(outcome.error).some((error) => statusesOf(error).includes(401));
  return isResponse(outcome.result) && outcome.result.status === 401;
}

/** The default of `isTransient`: a status or a code that says "later". */
export function isTransientFault(outcome: Outcome): boolean {
  if (!('error' in outcome)) return isResponse(outcome.result) && TRANSIENT_STATUS.has(outcome.result.status);
  return chain(outcome.error).some((error) => {
    if (isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API')) return error.retryable;
    return (
      statusesOf(error).some((status) => TRANSIENT_STATUS.has(status)) || TRANSIENT_CODES.has(readAny(error, 'code'))
    );
  });
}

/** How long the other side asks to wait, in ms: a `Retry-After` header in seconds or as a date. */
export function readRetryAfter(outcome: Outcome, now: number): number | undefined {
  const thrown = outcome.error;
  if (isGoldKeyError(thrown)) return thrown.retryAfter;
  const value = [outcome.result, thrown, readAny(thrown, 'response')]
    .map(headerOf)
    .find((found) => found !== undefined);
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (value !== '' && Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds * 1_000));
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Lets go of a body that nobody will read: an unread one holds its connection. */
export function cancelBody(result: unknown): void {
  if (!isResponse(result)) return;
  // Async, so that a getter that throws ends here. A locked or foreign body (node-fetch's is a Node.js stream) is its
  // reader's, or has its own way to end.
  const end = async (): Promise<void> => {
    const { bodyUsed, body } = result;
    if (bodyUsed) return;
    if (typeof body?.cancel === 'function') await body.cancel();
    else (body as unknown as { destroy?: () => void } | null)?.destroy?.();
  };
  end().catch(() => undefined);
}

function headerOf(holder: unknown): string | undefined {
  const headers = readAny(holder, 'headers');
  const get = readAny(headers, 'get');
  const value: unknown =
    typeof get === 'function'
      ? tryOrUndefined(() => get.call(headers, 'retry-after'))
      : readAny(headers, 'retry-after');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function statusesOf(error: unknown): unknown[] {
  const response = readAny(error, 'response');
  return [
    readAny(error, 'status'),
    readAny(error, 'statusCode'),
    readAny(response, 'status'),
    readAny(response, 'statusCode'),
    readAny(readAny(error, '$metadata'), 'httpStatusCode'),
  ];
}

function chain(error: unknown): unknown[] {
  const errors: unknown[] = [];
  for (
    let next = error;
    next !== undefined && next !== null && errors.length < MAX_CAUSES;
    next = readAny(next, 'cause')
  ) {
    if (errors.includes(next)) break;
    errors.push(next);
  }
  return errors;
}

/** A property of an object; of anything else there is none. */
function readAny(holder: unknown, name: PropertyKey): unknown {
  return typeof holder === 'object' && holder !== null ? readProperty(holder, name) : undefined;
}
