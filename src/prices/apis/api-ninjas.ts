import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import { createTextFailureReader } from '../adapter/error-phrases.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { explainUnknownMetal, getMetalName } from '../values/pair.js';
import { readTime, requireNumber } from '../values/reading.js';

const DIALECT: Dialect = {
  source: 'api-ninjas',
  baseUrl: 'https://api.api-ninjas.com/v1/',
  batching: 'none',
  explainUnsupported: (pair) =>
    pair.currency === 'USD' ? explainUnknownMetal(pair) : 'gives prices in USD and no other currency',

  buildRequest([pair], key) {
    const name = getMetalName(pair);
    const path = name === 'gold' ? 'goldprice' : `commodityprice?name=${name}`;
    return { path, headers: { 'x-api-key': key } };
  },

  // 403 is a wrong path or version; a bad key is a 400 with a text about it.
  readFailure: createTextFailureReader('bad-request'),

  readPrice: (body) => ({
    price: requireNumber(body, 'price'),
    timestamp: readTime(body, 'updated'),
    direction: 'direct',
  }),
};

/**
 * Creates a price API for [API Ninjas](https://api-ninjas.com/api/goldprice): gold from `goldprice`; silver, platinum
 * and palladium from `commodityprice`, which may need a premium plan. In USD only. The key travels in the header
 * `X-Api-Key`; a bad one is HTTP 400 with a text ([error codes](https://api-ninjas.com/error-codes)). It answers one
 * price a request, so there is no `fetchPrices`.
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
