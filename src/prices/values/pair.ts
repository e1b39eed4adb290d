import type { Quote } from '../types.js';

/** A metal and the currency of its price. */
export type Pair = Readonly<Pick<Quote, 'metal' | 'currency'>>;

/** The metals that every price API has, by symbol, with the names that some of them use instead. */
const METAL_NAMES: Readonly<Record<string, string>> = {
  XAU: 'gold',
  XAG: 'silver',
  XPT: 'platinum',
  XPD: 'palladium',
};

/** Returns a pair as text, e.g. `XAU/USD`. */
export function formatPair({ metal, currency }: Pair): string {
  return `${metal}/${currency}`;
}

/** Returns whether `value` has the form of a metal's symbol. */
export function isMetalSymbol(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z0-9-]{1,15}$/.test(value);
}

/** Returns whether `value` has the form of an ISO 4217 code. */
export function isCurrencyCode(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z]{3}$/.test(value);
}

/** Returns why an API that has only these four metals cannot give a price, or `undefined` if it can. */
export function explainUnknownMetal({ metal }: Pair): string | undefined {
  return Object.hasOwn(METAL_NAMES, metal)
    ? undefined
    : `has ${Object.keys(METAL_NAMES).join(', ')} and no other metal`;
}

/** Returns the English name of one of the four metals. */
export function getMetalName({ metal }: Pair): string {
  return METAL_NAMES[metal] ?? metal;
}
