import { createPriceApi } from './adapter.js';
import { apilayerFault, unwrap } from './apilayer.js';
import { member, numberIn, Unreadable, type Ask, type Dialect, type Reading } from './dialect.js';
import type { PriceApi, PriceApiOptions } from './types.js';

const DIALECT: Dialect = {
  source: 'metals-api',
  baseUrl: 'https://metals-api.com/api/',
  batch: true,

  request(asks, key) {
    const symbols = new Set(asks.map((ask) => ask.metal));
    // Always USD: for other bases this API has been seen to answer in either direction. Another currency is one more
    // symbol of the same answer.
    for (const { currency } of asks) if (currency !== 'USD') symbols.add(currency);
    const list = [...symbols].map(encodeURIComponent).join(',');
    return { path: `latest?access_key=${encodeURIComponent(key)}&base=USD&symbols=${list}` };
  },

  fault: apilayerFault,

  read(body, ask) {
    const answer = unwrap(body);
    const rates = member(answer, 'rates');
    if (typeof rates !== 'object' || rates === null) throw new Unreadable('transient', 'answered without `rates`');
    const unit = member(answer, 'unit');
    if (typeof unit === 'string' && !unit.toLowerCase().includes('ounce')) {
      throw new Unreadable('implausible', 'answered in another unit than ounces');
    }
    const base = member(answer, 'base') ?? 'USD';
    return { ...priceIn(rates, base, ask), timestamp: timeOf(answer) };
  },
};

/** The right way round for each base: dollars per ounce are `USDXAU`, or one over `XAU`; with base XAU they are `USD`. */
function priceIn(rates: object, base: unknown, { metal, currency }: Ask): Reading {
  if (base === metal) {
    const price = agreed(numberIn(rates, currency), numberIn(rates, `${metal}${currency}`), metal);
    return { ...price, usd: currency === 'USD' ? price.price : numberIn(rates, 'USD') };
  }
  if (base === currency) {
    const price = agreed(numberIn(rates, `${currency}${metal}`), numberIn(rates, metal), metal);
    return currency === 'USD' ? { ...price, usd: price.price } : { ...price, needsBounds: true };
  }
  if (base !== 'USD') throw new Unreadable('implausible', 'answered for another base than was asked for');
  const dollars = agreed(numberIn(rates, `USD${metal}`), numberIn(rates, metal), metal);
  // Units of the currency per dollar; the other form of the same number only confirms it.
  const perDollar = agreed(numberIn(rates, currency), numberIn(rates, `USD${currency}`), currency);
  return { price: dollars.price * perDollar.price, usd: dollars.price, direction: dollars.direction };
}

/** The direct number, else the inverse inverted once; where both are given they have to agree within 1 %. */
function agreed(
  direct: number | undefined,
  inverse: number | undefined,
  symbol: string,
): { price: number; direction: 'direct' | 'inverted' } {
  if (direct === undefined && inverse === undefined) {
    throw new Unreadable('bad-request', `has no rate for \`${symbol}\``);
  }
  if ((direct ?? 1) <= 0 || (inverse ?? 1) <= 0) {
    throw new Unreadable('implausible', `gave a rate for \`${symbol}\` that is not above zero`);
  }
  if (direct === undefined) return { price: 1 / (inverse as number), direction: 'inverted' };
  if (inverse !== undefined && Math.abs(direct * inverse - 1) > 0.01) {
    throw new Unreadable('implausible', `gave two rates for \`${symbol}\` that contradict each other`);
  }
  return { price: direct, direction: 'direct' };
}

function timeOf(answer: object): number | undefined {
  const seconds = numberIn(answer, 'timestamp');
  if (seconds !== undefined) return Math.round(seconds * 1000);
  const date = member(answer, 'date');
  const parsed = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

/**
 * [metals-api.com](https://metals-api.com/documentation), endpoint `latest`. The key travels in the URL, the only place
 * this API takes it: keep request URLs out of access logs and traces. Prices are asked for in USD, because this API
 * answers other bases in either direction; another `currency` is converted by the rate in the same answer, which counts
 * as a second symbol of the plan.
 *
 * @param options - see {@link PriceApiOptions}
 * @returns functions to spread into a client's options; none of them uses `this`
 * @throws {TypeError} with code `ERR_INVALID_ARG_VALUE` for an unknown or mistyped option
 * @throws {RangeError} with code `ERR_INVALID_ARG_VALUE` for a value out of range
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...metalsApi({ unit: 'gram', maxChange: 0.2 }),
 * });
 * console.log((await gold.getPrice('XAU')).price);
 * ```
 */
export function metalsApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('metalsApi', DIALECT, options);
}
