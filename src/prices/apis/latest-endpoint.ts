import type { Dialect } from '../adapter/types.js';
import { readField, readNumber, readTime, requireObject } from '../values/json-fields.js';
import { UnusableBody, type Pair, type Reading } from '../values/reading.js';
import { readApilayerFailure, unwrapBody } from './apilayer.js';

/** The endpoint `latest` of metals-api and commodities-api; metalpriceapi's differs in the key and the errors. */
export const LATEST_ENDPOINT: Omit<Dialect, 'source' | 'baseUrl'> = {
  batching: 'any',
  buildRequest: (pairs, key) => ({
    path: `latest?access_key=${encodeURIComponent(key)}&base=USD&symbols=${formatSymbols(pairs)}`,
  }),
  readFailure: readApilayerFailure,

  readPrice(body, pair) {
    const answer = unwrapBody(body);
    const rates = requireObject(answer, 'rates');
    const unit = readField(answer, 'unit');
    if (typeof unit === 'string' && !unit.toLowerCase().includes('ounce')) {
      throw new UnusableBody('implausible', 'answered in another unit than ounces');
    }
    const price = readRate(rates, readField(answer, 'base') ?? 'USD', pair);
    return { ...price, timestamp: readTime(answer, 'timestamp') ?? readTime(answer, 'date') };
  },
};

/**
 * Returns the symbols to ask for with base USD, encoded: with other bases these APIs have been seen to answer in either
 * direction. Another currency is one more symbol of the same answer.
 */
export function formatSymbols(pairs: readonly Pair[]): string {
  const symbols = new Set(pairs.map(({ metal }) => metal));
  for (const { currency } of pairs) if (currency !== 'USD') symbols.add(currency);
  return [...symbols].map(encodeURIComponent).join(',');
}

/** Reads a price by the direction of its base: USD per ounce is `USDXAU`, or one over `XAU`; with base XAU, `USD`. */
function readRate(rates: object, base: unknown, { metal, currency }: Pair): Reading {
  if (base === metal) {
    const price = combineRates(readNumber(rates, currency), readNumber(rates, `${metal}${currency}`), metal);
    return { ...price, usd: currency === 'USD' ? price.price : readNumber(rates, 'USD') };
  }
  if (base === currency) {
    const price = combineRates(readNumber(rates, `${currency}${metal}`), readNumber(rates, metal), metal);
    return currency === 'USD' ? { ...price, usd: price.price } : { ...price, needsBounds: true };
  }
  if (base !== 'USD') throw new UnusableBody('implausible', 'answered with another `base` than was asked for');
  const usd = combineRates(readNumber(rates, `USD${metal}`), readNumber(rates, metal), metal);
  // Units of the currency per dollar; the other form of the same number only confirms it.
  const perDollar = combineRates(readNumber(rates, currency), readNumber(rates, `USD${currency}`), currency);
  return { price: usd.price * perDollar.price, usd: usd.price, direction: usd.direction };
}

/** Returns the direct rate, else one over the inverse; if both are given they must agree within 1 %. */
function combineRates(
  direct: number | undefined,
  inverse: number | undefined,
  symbol: string,
): Pick<Reading, 'price' | 'direction'> {
  if (direct === undefined && inverse === undefined) {
    throw new UnusableBody('bad-request', `has no rate for \`${symbol}\``);
  }
  if ((direct ?? 1) <= 0 || (inverse ?? 1) <= 0) {
    throw new UnusableBody('implausible', `gave a rate for \`${symbol}\` that is not above zero`);
  }
  if (direct === undefined) return { price: 1 / (inverse as number), direction: 'inverted' };
  if (inverse !== undefined && Math.abs(direct * inverse - 1) > 0.01) {
    throw new UnusableBody('implausible', `gave two rates for \`${symbol}\` that contradict each other`);
  }
  return { price: direct, direction: 'direct' };
}
