import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { LATEST_ENDPOINT } from './latest-endpoint.js';

const DIALECT: Dialect = { ...LATEST_ENDPOINT, source: 'metals-api', baseUrl: 'https://metals-api.com/api/' };

/**
 * Creates a price API for [metals-api.com](https://metals-api.com/documentation), endpoint `latest`. The key travels in
 * the URL, the only place this API takes it: keep request URLs out of access logs and traces. Prices are requested in
 * USD, because this API answers other bases in either direction; another `currency` is converted by the rate in the
 * same answer, which counts as a second symbol of the plan. An ounce is a troy ounce for precious metals and for
 * `LME-…`; another base metal, such as XCU, is given if the answer names a unit that is clear.
 *
 * @param options - see {@link PriceApiOptions}; copied
 * @throws the errors of {@link PriceApiOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const key = {
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 *   keyId: 'alias/gold-api-keys',
 * };
 * const gold = new GoldDataClient({ keyProvider: fromKms(key), ...metalsApi({ unit: 'gram', maxChange: 0.2 }) });
 * console.log((await gold.getPrice('XAU')).price);
 * ```
 */
export function metalsApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('metalsApi', DIALECT, options);
}
