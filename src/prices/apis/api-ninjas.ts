import { createPriceApi } from '../adapter/create-price-api.js';
import { Unreadable, type Dialect } from '../adapter/types.js';
import { member, numberIn, timeIn } from '../values/json-fields.js';
import { nameOf, notOfTheFour } from '../adapter/metals.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { faultInWords } from '../adapter/error-phrases.js';

const DIALECT: Dialect = {
  source: 'api-ninjas',
  baseUrl: 'https://api.api-ninjas.com/v1/',
  together: 'none',
  unsupported: (ask) => (ask.currency === 'USD' ? notOfTheFour(ask) : 'gives prices in USD and no other currency'),

  request([ask], key) {
    const name = ask === undefined ? 'gold' : nameOf(ask);
    const path = name === 'gold' ? 'goldprice' : `commodityprice?name=${name}`;
    return { path, headers: { 'x-api-key': key } };
  },

  fault(body, status) {
    const error = member(body, 'error');
    if (status < 300 && !error) return undefined;
    // 403 is a wrong path or version here; a bad key is a 400 that says so.
    return faultInWords([error, member(body, 'message')], status, 'bad-request');
  },

  read(body) {
    const price = numberIn(body, 'price');
    if (price === undefined) throw new Unreadable('transient', 'answered without `price`');
    return { price, timestamp: timeIn(body, 'updated'), direction: 'direct' };
  },
};

/**
 * [API Ninjas](https://api-ninjas.com/api/goldprice): gold from `goldprice`; silver, platinum and palladium from
 * `commodityprice`, which may need a premium plan. In USD only. The key travels in the header `X-Api-Key`; a bad one is
 * HTTP 400 with words ([error codes](https://api-ninjas.com/error-codes)). It answers one price to a request, so there is
 * no `fetchPrices`.
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
 * import { apiNinjas } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...apiNinjas({ unit: 'gram' }),
 * });
 * console.log((await gold.getPrice('XAU')).price);
 * ```
 */
export function apiNinjas(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('apiNinjas', DIALECT, options);
}
