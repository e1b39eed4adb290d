import { createPriceApi } from '../adapter/create-price-api.js';
import { apilayerFault } from './apilayer.js';
import type { Dialect } from '../adapter/types.js';
import { readLatest, symbolsOf } from './latest-endpoint.js';
import type { PriceApi, PriceApiOptions } from '../types.js';

/** The symbols of ISO 4217 and of the two London markets; what else this API has is sold by the barrel or the bushel. */
const METAL = /^(?:X[A-Z]{2}|(?:LBMA|LME)-[A-Z0-9-]+)$/;

const DIALECT: Dialect = {
  source: 'commodities-api',
  baseUrl: 'https://commodities-api.com/api/',
  together: 'any',
  unsupported: ({ metal }) =>
    METAL.test(metal) ? undefined : 'is asked for metals only: `XAU`, `XAG` and their like, `LBMA-…` and `LME-…`',
  request: (asks, key) => ({
    path: `latest?access_key=${encodeURIComponent(key)}&base=USD&symbols=${symbolsOf(asks)}`,
  }),
  fault: apilayerFault,
  read: readLatest,
};

/**
 * [commodities-api.com](https://commodities-api.com/documentation), endpoint `latest`: the sister of metals-api, with its
 * whole body wrapped in `data`. The key travels in the URL, the only place this API takes it: keep request URLs out of
 * access logs and traces. Prices are asked for in USD; another `currency` is converted by the rate in the same answer.
 * Only metals: a quote is per ounce, and oil or wheat are not.
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
 * import { commoditiesApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...commoditiesApi({ currency: 'EUR' }),
 * });
 * console.log((await gold.getPrice('XAU')).price);
 * ```
 */
export function commoditiesApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('commoditiesApi', DIALECT, options);
}
