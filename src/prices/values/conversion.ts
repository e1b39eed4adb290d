import { findMetal } from './metals.js';
import type { Pair } from './pair.js';
import { readField, UnusableBody } from './reading.js';
import { convertToTroyOunce, findVendorUnit, ONE } from './units.js';

/** Codes of a hundredth of a currency, as exchanges use them. Their case matters: `GBp` is a penny. */
const HUNDREDTHS: Readonly<Record<string, string>> = {
  USX: 'USD',
  USc: 'USD',
  EUX: 'EUR',
  GBX: 'GBP',
  GBp: 'GBP',
  ZAC: 'ZAR',
  ZAc: 'ZAR',
  ILA: 'ILS',
};

/** Names of an ounce, which is a troy ounce where a precious metal is sold by it. */
const OUNCES: ReadonlySet<string> = new Set(['oz', 'ounce', 'ounces', 'per oz', 'per ounce', 'per ounces']);

/** Converts a number of an answer into the currency asked for, per troy ounce. */
export type Conversion = (price: number) => number;

/** The conversion of what needs none, as nearly every answer. */
const keep: Conversion = (price) => price;

/**
 * Reads the fields of a quote that name its currency, and the given name of its unit. Throws an {@link UnusableBody} for
 * a currency that was not asked for, and for a unit that is not clear.
 */
export function readConversion(quote: unknown, pair: Pair, unit: unknown = readField(quote, 'unit')): Conversion {
  const ounces = readUnit(unit, pair);
  const parts = readParts(readField(quote, 'currency'), pair);
  const sameParts = readParts(readField(quote, 'currency_unit'), pair);
  const divisor = Math.max(parts, sameParts);
  return ounces === ONE && divisor === 1 ? keep : (price) => convertToTroyOunce(price, ounces, divisor);
}

function readUnit(unit: unknown, { metal }: Pair): readonly [bigint, bigint] {
  const isTroy = findMetal(metal)?.isTroy === true;
  const isStated = unit !== undefined && unit !== null && unit !== '';
  if (isTroy && (!isStated || (typeof unit === 'string' && OUNCES.has(unit.toLowerCase())))) return ONE;
  const found = typeof unit === 'string' ? findVendorUnit(unit) : undefined;
  if (found !== undefined) return found;
  throw new UnusableBody('implausible', `gave a price of \`${metal}\` without a unit that is clear`);
}

/** Returns how many parts of the currency asked for make one of it: a price may be in cents. */
function readParts(code: unknown, { currency }: Pair): number {
  if (code === undefined || code === null || code === '' || code === currency) return 1;
  if (typeof code === 'string' && Object.hasOwn(HUNDREDTHS, code) && HUNDREDTHS[code] === currency) return 100;
  throw new UnusableBody('implausible', 'answered in another currency than was asked for');
}
