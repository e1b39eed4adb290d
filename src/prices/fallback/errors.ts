import { CallTimeoutError, isGoldKeyError, isObject, isTransientFailure, readProperty } from '../../core/index.js';
import { isPriceApiError, PriceApiError, type PriceApiErrorKind } from '../price-api-error.js';

const EACH_FAILED = 'Each client failed with an error.';

/** The error of one client in one call. */
export interface ClientFailure {
  /** The client's place in the list, from 1. */
  readonly position: number;
  readonly error: unknown;
}

/** Returns the error of a call that every client failed: a single client's own, else one that names them all. */
export function combineFailures(failures: readonly ClientFailure[]): unknown {
  const errors = failures.map(({ error }) => error);
  if (errors.length === 1) return errors[0];
  const waits = errors.flatMap((error) => (isGoldKeyError(error) ? (error.retryAfter ?? []) : []));
  const list = failures.map(describeFailure).join(', ');
  return new PriceApiError(`None of the ${String(errors.length)} clients gave a price: ${list}.`, {
    kind: combineKinds(errors),
    source: 'first-available',
    retryAfter: waits.length === errors.length ? Math.min(...waits) : undefined,
    cause: new AggregateError(errors, EACH_FAILED),
  });
}

/** Returns the error of a call whose `timeout` passed, while the client at `position` was being asked. */
export function createTimeoutError(failures: readonly ClientFailure[], position: number | undefined): CallTimeoutError {
  const errors = failures.map(({ error }) => error);
  const parts = failures.map(describeFailure);
  if (position !== undefined) parts.push(`client ${String(position)} was being asked`);
  return new CallTimeoutError(
    `No client answered within the call's \`timeout\` (${parts.join(', ')}); raise it, or check which client is slow.`,
    { cause: errors.length === 0 ? undefined : new AggregateError(errors, EACH_FAILED) },
  );
}

/** Returns whether an error is about the request, not about the client that was asked. */
export function isRequestError(error: unknown): boolean {
  if (isPriceApiError(error)) return error.kind === 'bad-request';
  return isObject(error) && readProperty(error, 'code') === 'ERR_INVALID_ARG_VALUE';
}

/** Uses fixed words, kinds and codes only: another package's error text may hold anything. */
function describeFailure({ position, error }: ClientFailure): string {
  return `client ${String(position)} (${describeError(error)})`;
}

function describeError(error: unknown): string {
  if (!isGoldKeyError(error)) return 'another error';
  if (isPriceApiError(error)) return `${error.source}, ${error.kind}`;
  const { cause, code } = error;
  return isPriceApiError(cause) ? `${cause.source}, ${code}` : code;
}

function combineKinds(errors: readonly unknown[]): PriceApiErrorKind {
  if (errors.some((error) => (isGoldKeyError(error) ? error.retryable : isTransientFailure({ error })))) {
    return 'transient';
  }
  const first = errors.find(isPriceApiError);
  if (first !== undefined) return first.kind;
  // A key that no store gives and a key that its API rejects come to the same; the rest is about the request.
  return errors.some((error) => isGoldKeyError(error) && !isRequestError(error)) ? 'key-rejected' : 'bad-request';
}
