import type { PriceApiErrorKind } from '../price-api-error.js';
import { readField } from '../values/reading.js';
import type { Dialect } from './create-price-api.js';
import type { Failure } from './errors.js';

/** Phrases for a volume that is used up for a day or a month. */
const PERIOD = new RegExp(
  [
    /\b(?:quota|allowance|(?:dai|week|month|year)ly)\b/,
    /\b(?:for the|current|next|per|this|each) (?:day|week|month|year|billing (?:period|cycle))\b/,
    /\brequest volume\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

// Tried in this order: a text about a used-up volume often mentions the key and the plan as well.
const PHRASES: readonly (readonly [PriceApiErrorKind, RegExp])[] = [
  ['quota', PERIOD],
  ['rate-limited', /too many requests|rate.?limit|throttl|\bper (?:second|minute)\b|current minute/i],
  ['quota', /\b(?:usage|request|call|api|credit)s? limit\b|\blimit (?:has been |was )?(?:reached|exceeded)\b/i],
  [
    'key-rejected',
    /\b(?:invalid|missing|incorrect|unknown|wrong|inactive|expired|revoked|disabled|no) (?:api|access|api access)[ _-]?key\b/i,
  ],
  [
    'key-rejected',
    /\b(?:api|access)[ _-]?key\b.{0,40}\b(?:invalid|missing|incorrect|required|expired|revoked|disabled|inactive)\b/i,
  ],
  [
    'key-rejected',
    /\b(?:api|access)[ _-]?key\b.{0,40}\bnot (?:valid|specified|found|active|provided|supplied|recogni[sz]ed)\b/i,
  ],
  [
    'key-rejected',
    /\bnot (?:supply|supplied|provide|provided) (?:an?|any|a valid) (?:api|access|api access)[ _-]?key\b/i,
  ],
  ['key-rejected', /\baccount is (?:not active|inactive|disabled|suspended)\b|\bunauthori[sz]ed\b/i],
  ['plan', /premium|subscri|\bplans?\b|upgrade/i],
];

/**
 * Returns the kind that a vendor's error text stands for, where there is no code. Each of `errors` is a string or an
 * object with one, from which the key has been removed.
 */
export function classifyText(...errors: readonly unknown[]): PriceApiErrorKind | undefined {
  const text = joinTexts(errors);
  return PHRASES.find(([, pattern]) => pattern.test(text))?.[0];
}

/** Returns the kind of an HTTP status 429: the limit of a minute, unless the text names a longer period. */
export function classifyLimit(...errors: readonly unknown[]): PriceApiErrorKind {
  return PERIOD.test(joinTexts(errors)) ? 'quota' : 'rate-limited';
}

/** Joins all texts: one may be a bare "Forbidden" and another give the reason. */
function joinTexts(errors: readonly unknown[]): string {
  return errors
    .flatMap((error) => [error, readField(error, 'message'), readField(error, 'info')])
    .filter((text) => typeof text === 'string')
    .join('\n');
}

/** Returns the failure of an answer that has a text and no code. `forbidden` is this vendor's kind for HTTP 403. */
export function classifyTextFailure(
  texts: readonly unknown[],
  status: number,
  forbidden: PriceApiErrorKind,
): Failure | undefined {
  // These statuses need no text.
  if (status >= 500 || (status >= 300 && status < 400) || status === 401 || status === 408) return undefined;
  if (status === 429) return { kind: classifyLimit(...texts) };
  const kind = classifyText(...texts);
  if (status === 403) return { kind: kind ?? forbidden };
  if (kind !== undefined) return { kind };
  return status >= 400 ? undefined : { kind: 'bad-request' };
}

/** Returns a `readFailure` for an API that reports failures as texts in `error` and `message`. */
export function createTextFailureReader(forbidden: PriceApiErrorKind): Dialect['readFailure'] {
  return (body, status) => {
    const error = readField(body, 'error');
    if (status < 300 && !error) return undefined;
    return classifyTextFailure([error, readField(body, 'message')], status, forbidden);
  };
}
