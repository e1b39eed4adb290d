import type { Ask } from './types.js';

/** The metals every one of these APIs has, by symbol, and the names some of them go by instead. */
const METAL_NAMES: Readonly<Record<string, string>> = {
  XAU: 'gold',
  XAG: 'silver',
  XPT: 'platinum',
  XPD: 'palladium',
};

/** Whether `value` has the form of a metal's symbol. */
export function isSymbol(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z0-9-]{1,15}$/.test(value);
}

/** What an API that has only these four says of another symbol. */
export function notOfTheFour({ metal }: Ask): string | undefined {
  return Object.hasOwn(METAL_NAMES, metal)
    ? undefined
    : `has ${Object.keys(METAL_NAMES).join(', ')} and no other metal`;
}

/** The name of one of the four. */
export function nameOf({ metal }: Ask): string {
  return METAL_NAMES[metal] ?? metal;
}
