import { CallTimeoutError, isGoldKeyError, isTransientFault } from '../../core/index.js';
import { isAboutRequest } from './client-health.js';
import { PriceApiError, type PriceApiErrorKind } from '../price-api-error.js';

const SOURCE = 'first-available';

/** What came of asking one client. */
export interface Failure {
  /** From 1. */
  readonly position: number;
  readonly error: unknown;
}

/** The error of a call that every client failed: a single client's own, else one that names them all. */
export function noneAvailable(failures: readonly Failure[]): unknown {
  const errors = failures.map(({ error }) => error);
  if (errors.length === 1) return errors[0];
  const waits = errors.flatMap((error) => (isGoldKeyError(error) ? (error.retryAfter ?? []) : []));
  return new PriceApiError(`None of the ${String(errors.length)} clients gave a price: ${listOf(failures)}.`, {
    kind: kindOfAll(errors),
    source: SOURCE,
    ...(waits.length === errors.length && { retryAfter: Math.min(...waits) }),
    cause: together(errors),
  });
}

/** The error of a call that outran its time, while client `asked` was at it. */
export function outOfTime(failures: readonly Failure[], asked: number | undefined): CallTimeoutError {
  const parts = [
    ...(failures.length === 0 ? [] : [listOf(failures)]),
    ...(asked === undefined ? [] : [`client ${String(asked)} was being asked`]),
  ];
  return new CallTimeoutError(
    `No client answered within the call's \`timeout\` (${parts.join(', ')}); raise it, or see what is slow.`,
    failures.length === 0 ? {} : { cause: together(failures.map(({ error }) => error)) },
  );
}

function together(errors: readonly unknown[]): AggregateError {
  return new AggregateError(errors, 'Each client failed in its own way.');
}

/** Made of our own words: what others put into an error may hold anything. */
function listOf(failures: readonly Failure[]): string {
  return failures.map(({ position, error }) => `client ${String(position)} (${wordsFor(error)})`).join(', ');
}

function wordsFor(error: unknown): string {
  if (!isGoldKeyError(error)) return 'an error of its own';
  const about = [error, error.cause].find((one) => isGoldKeyError(one, 'ERR_GOLDKEY_PRICE_API'));
  const what = about === error ? (error as PriceApiError).kind : error.code;
  return about === undefined ? what : `${(about as PriceApiError).source}, ${what}`;
}

function kindOfAll(errors: readonly unknown[]): PriceApiErrorKind {
  if (errors.some((error) => (isGoldKeyError(error) ? error.retryable : isTransientFault({ error })))) {
    return 'transient';
  }
  const first = errors.find((error) => isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API'));
  if (first !== undefined) return (first as PriceApiError).kind;
  // A key that no store gives and one that its API refuses come to the same; the rest is about the request.
  return errors.some((error) => isGoldKeyError(error) && !isAboutRequest(error)) ? 'key-rejected' : 'bad-request';
}
