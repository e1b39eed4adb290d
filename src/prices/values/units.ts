import type { Quote } from '../types.js';
import { parseDecimal } from './decimal.js';

/** The troy ounces in one unit, as a fraction: a troy ounce is 31.1034768 g, a tola three eighths of it. */
const TROY_OUNCES: Readonly<Record<Quote['unit'], readonly [numerator: bigint, denominator: bigint]>> = {
  troy_ounce: [1n, 1n],
  gram: [10_000_000n, 311_034_768n],
  kilogram: [10_000_000_000n, 311_034_768n],
  tola: [3n, 8n],
};

/** More decimals than any number half-way between two doubles has, down to 1e-17: the smallest price per gram. */
const DECIMALS = 120;

/** The names of the units. */
export const UNITS: readonly Quote['unit'][] = Object.keys(TROY_OUNCES) as Quote['unit'][];

/**
 * Converts a price per troy ounce, above zero, into one per `unit`: one exact division of the number as it is written,
 * then rounded once. 3110.34768 per ounce is 100 per gram, to the last bit.
 */
export function convertToUnit(perTroyOunce: number, unit: Quote['unit']): number {
  if (unit === 'troy_ounce') return perTroyOunce;
  const [numerator, denominator] = TROY_OUNCES[unit];
  const { digits, exponent } = parseDecimal(String(perTroyOunce));
  const scaled = BigInt(digits) * numerator * 10n ** BigInt(DECIMALS + exponent);
  // One more decimal stands for the remainder: else a value just above half-way would be taken for half-way.
  const more = scaled % denominator === 0n ? 0 : 1;
  return Number(`${String(scaled / denominator)}${String(more)}e-${String(DECIMALS + 1)}`);
}
