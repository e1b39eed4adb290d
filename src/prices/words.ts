import type { Fault } from './dialect.js';
import { member } from './fields.js';
import type { PriceApiErrorKind } from './price-api-error.js';

// Read in this order: what says that a volume is used up often names the key and the plan as well.
const WORDS: readonly (readonly [PriceApiErrorKind, RegExp])[] = [
  ['quota', /\b(?:quota|allowance|monthly|daily)\b|\b(?:for the|next|per|this) (?:day|month)\b|\brequest volume\b/i],
  ['rate-limited', /too many requests|rate.?limit|throttl|\bper (?:second|minute)\b|current minute/i],
  [
    'key-rejected',
    /\b(?:invalid|missing|incorrect|unknown|wrong|inactive|expired|revoked|disabled|no) (?:api|access|api access) ?key\b/i,
  ],
  [
    'key-rejected',
    /\b(?:api|access) ?key\b.{0,40}\b(?:invalid|missing|incorrect|not valid|not specified|required|expired|revoked|disabled|not found|inactive|not active)\b/i,
  ],
  ['key-rejected', /\bnot (?:supply|supplied|provide|provided) (?:an?|any|a valid) (?:api|access|api access) ?key\b/i],
  ['key-rejected', /\baccount is (?:not active|inactive|disabled|suspended)\b|\bunauthori[sz]ed\b/i],
  ['plan', /premium|subscri|\bplans?\b|upgrade/i],
];

/**
 * What a vendor's own words mean, where there is no number to go by. `error` is a string or an object with one; the key
 * has been hidden in it.
 */
export function kindInWords(error: unknown): PriceApiErrorKind | undefined {
  const words = [error, member(error, 'message'), member(error, 'info')].find((word) => typeof word === 'string');
  if (words === undefined) return undefined;
  return WORDS.find(([, pattern]) => pattern.test(words))?.[0];
}

/**
 * The fault of an answer that refuses in words alone. `forbidden` is what this vendor means by HTTP 403 without telling
 * words.
 */
export function faultInWords(words: unknown, status: number, forbidden: PriceApiErrorKind): Fault | undefined {
  // What the server says of itself needs no words, and 401 is about the key.
  if (status >= 500 || (status >= 300 && status < 400) || status === 401 || status === 408) return undefined;
  const kind = kindInWords(words);
  if (status === 429) return kind === 'quota' ? { kind } : undefined;
  if (status === 403) return { kind: kind ?? forbidden };
  if (kind !== undefined) return { kind };
  return status >= 400 ? undefined : { kind: 'bad-request' };
}
