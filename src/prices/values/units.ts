import type { Quote } from '../types.js';
import { parseDecimal } from './decimal.js';

/** The troy ounces in one unit, as a fraction: a troy ounce is 31.1034768 g, a tola three eighths of it. */
const TROY_OUNCES: Readonly<Record<Quote['unit'], readonly [numerator: bigint, denominator: bigint]>> = {
  troy_ounce: [1n, 1n],
  gram: [10_000_000n, 311_034_768n],
  kilogram: [10_000_000_000n, 311_034_768n],
  tola: [3n, 8n],
};

/** More bits than a double has, so that the last one can stand for all that is cut off. */
const BITS = 66;

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
  const scaled = BigInt(digits) * numerator;
  return exponent < 0
    ? divideToDouble(scaled, denominator * 10n ** BigInt(-exponent))
    : divideToDouble(scaled * 10n ** BigInt(exponent), denominator);
}

/** Returns the double nearest to a fraction above zero. */
function divideToDouble(numerator: bigint, denominator: bigint): number {
  const shift = BITS - (countBits(numerator) - countBits(denominator));
  const [above, below] =
    shift < 0 ? [numerator, denominator << BigInt(-shift)] : [numerator << BigInt(shift), denominator];
  const quotient = above / below;
  // The remainder sets the last bit: else a value just above the middle of two doubles would be taken for the middle.
  return Number(above % below === 0n ? quotient : quotient | 1n) * 2 ** -shift;
}

/** Returns the number of bits, to the next multiple of four. */
function countBits(value: bigint): number {
  return value.toString(16).length * 4;
}
