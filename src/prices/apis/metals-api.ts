import { createPriceApi } from '../adapter/create-price-api.js';
import { apilayerFault } from './apilayer.js';
import type { Dialect } from '../adapter/types.js';
import { readLatest, symbolsOf } from './latest-endpoint.js';
import type { PriceApi, PriceApiOptions } from '../types.js';

const DIALECT: Dialect = {
  source: 'metals-api',
  baseUrl: 'https://metals-api.com/api/',
  together: 'any',
  request: (asks, key) => ({
    path: `latest?access_key=${encodeURIComponent(key)}&base=USD&symbols=${symbolsOf(asks)}`,
  }),
  fault: apilayerFault,
  read: readLatest,
};

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
