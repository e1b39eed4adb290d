import type { Quote } from '../types.js';
import { parseDecimal } from './decimal.js';

/** A number as a fraction. */
type Fraction = readonly [numerator: bigint, denominator: bigint];

/** One troy ounce, as a fraction of itself. */
export const ONE: Fraction = [1n, 1n];

/** A troy ounce in units of 100 ng: 31.1034768 g. */
const TROY_OUNCE = 311_034_768n;

/** The troy ounces in one unit; a tola is three eighths of one. */
const TROY_OUNCES: Readonly<Record<Quote['unit'], Fraction>> = {
  troy_ounce: ONE,
  gram: [10_000_000n, TROY_OUNCE],
  kilogram: [10_000_000_000n, TROY_OUNCE],
  tola: [3n, 8n],
};

/** Units that vendors name, by their letters in the singular. A plain ton and a plain ounce may be one of several. */
const VENDOR_UNITS: ReadonlyMap<string, Fraction> = new Map([
  ...['troyounce', 'troyoz', 'oztroy', 'toz', 'ozt', 'tryoz'].map((name) => [name, TROY_OUNCES.troy_ounce] as const),
  ...['gram', 'gramme', 'g'].map((name) => [name, TROY_OUNCES.gram] as const),
  ...['kilogram', 'kilogramme', 'kilo', 'kg'].map((name) => [name, TROY_OUNCES.kilogram] as const),
  ['tola', TROY_OUNCES.tola],
  ...['pound', 'lb'].map((name) => [name, [4_535_923_700n, TROY_OUNCE]] as const),
  ...['metricton', 'metrictonne', 'tonne', 'mt'].map((name) => [name, [10_000_000_000_000n, TROY_OUNCE]] as const),
]);

/** Limits for every price: beyond them one in another unit could round to zero or overflow. */
export const MIN_PRICE = 1e-15;
export const MAX_PRICE = 1e15;

/**
 * More decimals than any number half-way between two doubles has, down to 1e-17: the smallest price per gram. A quotient
 * that is not half-way differs from it before the 80th, so that what is cut off decides nothing.
 */
const DECIMALS = 120;

/** The names of the units. */
export const UNITS: readonly Quote['unit'][] = Object.keys(TROY_OUNCES) as Quote['unit'][];

/** Converts a price per troy ounce into one per `unit`. 3110.34768 per ounce is 100 per gram, to the last bit. */
export function convertToUnit(perTroyOunce: number, unit: Quote['unit']): number {
  return multiply(perTroyOunce, TROY_OUNCES[unit]);
}

/** Returns the troy ounces in a unit that a vendor names, e.g. `per lb`, or `undefined` if the name is not clear. */
export function findVendorUnit(name: string): Fraction | undefined {
  const letters = name
    .toLowerCase()
    .replace(/^per\b/, '')
    .replace(/[^a-z]/g, '');
  return VENDOR_UNITS.get(letters) ?? VENDOR_UNITS.get(letters.replace(/s$/, ''));
}

/** Converts a price of `parts` hundredths or units of a currency, per vendor's unit, into one per troy ounce. */
export function convertToTroyOunce(price: number, [numerator, denominator]: Fraction, parts: number): number {
  return multiply(price, [denominator, numerator * BigInt(parts)]);
}

/** Multiplies by one exact division of the number as it is written, then rounds once. */
function multiply(price: number, [numerator, denominator]: Fraction): number {
  // Nearly always there is nothing to do, and big integers take their time.
  // A price below the limit, zero and negative ones included, is refused whatever it is in.
  if (numerator === denominator || !(price >= MIN_PRICE && price < Infinity)) return price;
  const { digits, exponent } = parseDecimal(String(price));
  const scaled = BigInt(digits) * numerator * 10n ** BigInt(DECIMALS + exponent);
  return Number(`${String(scaled / denominator)}e-${String(DECIMALS)}`);
}
