import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { LATEST_ENDPOINT } from './latest-endpoint.js';

const DIALECT: Dialect = {
  ...LATEST_ENDPOINT,
  source: 'commodities-api',
  baseUrl: 'https://commodities-api.com/api/',
};

/**
 * Creates a price API for [commodities-api.com](https://commodities-api.com/documentation), endpoint `latest`: the
 * sister of metals-api, with its whole body wrapped in `data`. The key travels in the URL, the only place this API
 * takes it: keep request URLs out of access logs and traces. Prices are requested in USD; another `currency` is
 * converted by the rate in the same answer. Metals only: oil and wheat are not sold by weight. A base metal such as XCU
 * is given if the answer names its unit, e.g. `per lb`.
 *
 * @param options - see {@link PriceApiOptions}; copied
 * @throws the errors of {@link PriceApiOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { commoditiesApi } from 'goldkey/prices';
 *
 * const key = {
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 *   keyId: 'alias/gold-api-keys',
 * };
 * const gold = new GoldDataClient({ keyProvider: fromKms(key), ...commoditiesApi({ currency: 'EUR' }) });
 * console.log((await gold.getPrice('XAU')).price);
 * ```
 */
export function commoditiesApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('commoditiesApi', DIALECT, options);
}
