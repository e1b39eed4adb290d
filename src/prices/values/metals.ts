import type { Pair } from './reading.js';

/** The metals that every price API has, by symbol, with the names that some of them use instead. */
const METAL_NAMES: Readonly<Record<string, string>> = {
  XAU: 'gold',
  XAG: 'silver',
  XPT: 'platinum',
  XPD: 'palladium',
};

/** Returns whether `value` has the form of a metal's symbol. */
export function isMetalSymbol(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z0-9-]{1,15}$/.test(value);
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
