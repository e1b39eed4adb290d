import { findMetal } from './metals.js';
import type { Pair } from './pair.js';
import { readField, UnusableBody } from './reading.js';
import { convertToTroyOunce, findVendorUnit } from './units.js';

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

/** Converts a number of an answer into the currency asked for, per troy ounce. */
export type Conversion = (price: number) => number;

/**
 * Reads the fields of a quote that name its currency, and the given name of its unit. Throws an {@link UnusableBody} for
 * a currency that was not asked for, and for a unit that is not clear.
 */
export function readConversion(quote: unknown, pair: Pair, unit: unknown = readField(quote, 'unit')): Conversion {
  const ounces = readUnit(unit, pair);
  const parts = readParts(readField(quote, 'currency'), pair);
  const sameParts = readParts(readField(quote, 'currency_unit'), pair);
  return (price) => convertToTroyOunce(price, ounces, parts > sameParts ? parts : sameParts);
}

function readUnit(unit: unknown, { metal }: Pair): readonly [bigint, bigint] {
  const isTroy = findMetal(metal)?.isTroy === true;
  const isStated = unit !== undefined && unit !== null && unit !== '';
  if (isTroy && (!isStated || (typeof unit === 'string' && /^(?:per )?(?:oz|ounces?)$/i.test(unit)))) return [1n, 1n];
  const found = typeof unit === 'string' ? findVendorUnit(unit) : undefined;
  if (found !== undefined) return found;
  throw new UnusableBody('implausible', `gave a price of \`${metal}\` without a unit that is clear`);
}

/** Returns how many parts of the currency asked for make one of it: a price may be in cents. */
function readParts(code: unknown, { currency }: Pair): bigint {
  if (code === undefined || code === null || code === '' || code === currency) return 1n;
  if (typeof code === 'string' && Object.hasOwn(HUNDREDTHS, code) && HUNDREDTHS[code] === currency) return 100n;
  throw new UnusableBody('implausible', 'answered in another currency than was asked for');
}
