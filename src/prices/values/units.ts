import { decimalOf } from './decimal.js';
import type { Quote } from '../types.js';

/**
 * How many troy ounces one unit is, as a fraction: a troy ounce is 31.1034768 g and a tola 11.6638038 g, which is three
 * eighths of it.
 */
const TROY_OUNCES: Readonly<Record<Quote['unit'], readonly [numerator: bigint, denominator: bigint]>> = {
  troy_ounce: [1n, 1n],
  gram: [10_000_000n, 311_034_768n],
  kilogram: [10_000_000_000n, 311_034_768n],
  tola: [3n, 8n],
};

/** More bits than a double has, so that the last one can stand for all that is cut off. */
const BITS = 66;

/** The names of the units. */
export const UNITS: readonly Quote['unit'][] = ['troy_ounce', 'gram', 'kilogram', 'tola'];

/**
 * Turns a price per troy ounce, above zero, into one per `unit`. One exact division of the number as it is written, then
 * rounded once: 3110.34768 per ounce is 100 per gram, to the last bit.
 */
export function perUnit(perTroyOunce: number, unit: Quote['unit']): number {
  if (unit === 'troy_ounce') return perTroyOunce;
  const [numerator, denominator] = TROY_OUNCES[unit];
  const { digits, exponent } = decimalOf(String(perTroyOunce));
  const written = BigInt(digits) * numerator;
  return exponent < 0
    ? nearest(written, denominator * 10n ** BigInt(-exponent))
    : nearest(written * 10n ** BigInt(exponent), denominator);
}

/** The double nearest to a fraction above zero. */
function nearest(numerator: bigint, denominator: bigint): number {
  const shift = BITS - (bitsOf(numerator) - bitsOf(denominator));
  const [above, below] =
    shift < 0 ? [numerator, denominator << BigInt(-shift)] : [numerator << BigInt(shift), denominator];
  const quotient = above / below;
  // A remainder must show, or what lies just above the middle of two doubles would be taken for the middle.
  return Number(above % below === 0n ? quotient : quotient | 1n) * 2 ** -shift;
}

function bitsOf(value: bigint): number {
  return value.toString(16).length * 4;
}
