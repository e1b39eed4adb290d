import type { Quote } from '../types.js';
import { isMetalSymbol } from './metals.js';

/** A metal and the currency of its price. */
export type Pair = Readonly<Pick<Quote, 'metal' | 'currency'>>;

/** Returns a pair as text, e.g. `XAU/USD`. */
export function formatPair({ metal, currency }: Pair): string {
  return `${metal}/${currency}`;
}

/** Returns whether `value` has the form of an ISO 4217 code and is not a metal's. */
export function isCurrencyCode(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z]{3}$/.test(value) && !isMetalSymbol(value);
}
