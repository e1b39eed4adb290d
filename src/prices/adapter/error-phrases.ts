import type { Fault } from './types.js';
import { member } from '../values/json-fields.js';
import type { PriceApiErrorKind } from '../price-api-error.js';

/** A volume that is used up for a day or a month. */
const PERIOD = /\b(?:quota|allowance|monthly|daily)\b|\b(?:for the|next|per|this) (?:day|month)\b|\brequest volume\b/i;

// Read in this order: what says that a volume is used up often names the key and the plan as well.
const WORDS: readonly (readonly [PriceApiErrorKind, RegExp])[] = [
  ['quota', PERIOD],
  ['rate-limited', /too many requests|rate.?limit|throttl|\bper (?:second|minute)\b|current minute/i],
  ['quota', /\b(?:usage|request|call|api|credit)s? limit\b|\blimit (?:has been |was )?(?:reached|exceeded)\b/i],
  [
    'key-rejected',
    /\b(?:invalid|missing|incorrect|unknown|wrong|inactive|expired|revoked|disabled|no) (?:api|access|api access)[ _-]?key\b/i,
  ],
  [
    'key-rejected',
    /\b(?:api|access)[ _-]?key\b.{0,40}\b(?:invalid|missing|incorrect|not valid|not specified|required|expired|revoked|disabled|inactive|not (?:found|active|provided|supplied|recogni[sz]ed))\b/i,
  ],
  [
    'key-rejected',
    /\bnot (?:supply|supplied|provide|provided) (?:an?|any|a valid) (?:api|access|api access)[ _-]?key\b/i,
  ],
  ['key-rejected', /\baccount is (?:not active|inactive|disabled|suspended)\b|\bunauthori[sz]ed\b/i],
  ['plan', /premium|subscri|\bplans?\b|upgrade/i],
];

/**
 * What a vendor's own words mean, where there is no number to go by. Each of `errors` is a string or an object with one;
 * the key has been hidden in them.
 */
export function kindInWords(...errors: readonly unknown[]): PriceApiErrorKind | undefined {
  const words = wordsOf(errors);
  return WORDS.find(([, pattern]) => pattern.test(words))?.[0];
}

/** What HTTP status 429 means: a limit is the one of the minute unless the words name a longer time. */
export function kindOfLimit(...errors: readonly unknown[]): PriceApiErrorKind {
  return PERIOD.test(wordsOf(errors)) ? 'quota' : 'rate-limited';
}

/** All of them: where one is a bare "Forbidden", another gives the reason. */
function wordsOf(errors: readonly unknown[]): string {
  return errors
    .flatMap((error) => [error, member(error, 'message'), member(error, 'info')])
    .filter((word) => typeof word === 'string')
    .join('\n');
}

/**
 * The fault of an answer that refuses in words alone. `forbidden` is what this vendor means by HTTP 403 without telling
 * words.
 */
export function faultInWords(
  words: readonly unknown[],
  status: number,
  forbidden: PriceApiErrorKind,
): Fault | undefined {
  // What the server says of itself needs no words, and 401 is about the key.
  if (status >= 500 || (status >= 300 && status < 400) || status === 401 || status === 408) return undefined;
  if (status === 429) return { kind: kindOfLimit(...words) };
  const kind = kindInWords(...words);
  if (status === 403) return { kind: kind ?? forbidden };
  if (kind !== undefined) return { kind };
  return status >= 400 ? undefined : { kind: 'bad-request' };
}
