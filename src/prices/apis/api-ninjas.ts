import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import { createTextFailureReader } from '../adapter/error-phrases.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { readConversion } from '../values/conversion.js';
import { explainUnknownMetal, getMetalName } from '../values/metals.js';
import type { Pair } from '../values/pair.js';
import { readField, readTime, requireNumber, UnusableBody } from '../values/reading.js';

const DIALECT: Dialect = {
  source: 'api-ninjas',
  baseUrl: 'https://api.api-ninjas.com/v1/',
  batching: 'one-currency',
  explainUnsupported: explainUnknownMetal,

  buildRequest(pairs, key) {
    const names = [...new Set(pairs.map(getMetalName))].join(',');
    const { currency } = pairs[0];
    const query = new URLSearchParams({ [names.includes(',') ? 'names' : 'name']: names });
    if (currency !== 'USD') query.set('currency', currency);
    const path = names === 'gold' && currency === 'USD' ? 'goldprice' : `commodityprice?${String(query)}`;
    return { path, headers: { 'x-api-key': key } };
  },

  // 403 is a wrong path or version; a bad key is a 400 with a text about it.
  readFailure: createTextFailureReader('bad-request'),

  readPrice(body, pair) {
    const quote = findQuote(body, pair);
    const convert = readConversion(quote, pair);
    if (pair.currency !== 'USD' && readField(quote, 'currency_unit') === undefined) {
      throw new UnusableBody('implausible', 'did not say that the price is in the currency that was asked for');
    }
    return {
      price: convert(requireNumber(quote, 'price')),
      timestamp: readTime(quote, 'updated'),
      direction: 'direct',
    };
  },
};

/** Returns the quote of a metal: the body itself, or the one with its name where there are several. */
function findQuote(body: object, pair: Pair): unknown {
  const metal = getMetalName(pair);
  const isNamed = (quote: unknown, fallback?: string): boolean => {
    const name = readField(quote, 'name') ?? fallback;
    return typeof name === 'string' && name.toLowerCase().startsWith(metal);
  };
  if (Array.isArray(body)) {
    const quote: unknown = body.find((one) => isNamed(one));
    if (quote !== undefined) return quote;
    throw new UnusableBody(body.length === 0 ? 'transient' : 'bad-request', `has no price of \`${pair.metal}\``);
  }
  if (isNamed(body, metal)) return body;
  throw new UnusableBody('implausible', 'answered with another `name` than was asked for');
}

/**
 * Creates a price API for [API Ninjas](https://api-ninjas.com/api/commodityprice): gold in USD from `goldprice`; silver,
 * platinum, palladium, other currencies, and several prices at once from `commodityprice`, which may need a premium
 * plan. The unit and the currency of each answer are read, and converted if they are known: the vendor quotes some goods
 * in cents. The key travels in the header `X-Api-Key`; a bad one is HTTP 400 with a text
 * ([error codes](https://api-ninjas.com/error-codes)).
 *
 * @param options - see {@link PriceApiOptions}; copied
 * @throws the errors of {@link PriceApiOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { apiNinjas } from 'goldkey/prices';
 *
 * const key = {
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 *   keyId: 'alias/gold-api-keys',
 * };
 * const gold = new GoldDataClient({ keyProvider: fromKms(key), ...apiNinjas({ unit: 'gram' }) });
 * console.log((await gold.getPrice('XAU')).price);
 * ```
 */
export function apiNinjas(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('apiNinjas', DIALECT, options);
}
