import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { explainUnknownMetal } from '../values/metals.js';
import { createCodeReader, formatSymbols, LATEST_ENDPOINT } from './latest-endpoint.js';

const DIALECT: Dialect = {
  ...LATEST_ENDPOINT,
  source: 'metalpriceapi',
  baseUrl: 'https://api.metalpriceapi.com/v1/',
  // The vendor documents these in troy ounces, and the other metals, rhodium included, in plain ounces.
  explainUnsupported: explainUnknownMetal,
  buildRequest: (pairs, key) => ({
    path: `latest?base=USD&currencies=${formatSymbols(pairs)}`,
    headers: { 'x-api-key': key },
  }),
  // Some of the family's numbers, with other meanings.
  readFailure: createCodeReader({
    101: ['key-rejected', 'the key is missing'],
    102: ['key-rejected'],
    103: ['key-rejected', 'the account is inactive'],
    104: ['rate-limited'],
    105: ['quota'],
    ...Object.fromEntries(
      [201, 202, 203, 204, 205, 206, 207, 300, 404].map((code) => [code, ['bad-request']] as const),
    ),
  }),
};

/**
 * Creates a price API for [metalpriceapi.com](https://metalpriceapi.com/documentation), endpoint `latest`. The key
 * travels in the header `X-API-KEY`. Prices are requested in USD; another `currency` is converted by the rate in the
 * same answer. Gold, silver, platinum and palladium: of other metals this API does not say whether their ounce is a troy
 * ounce. Customers of the European host set `baseUrl: 'https://api-eu.metalpriceapi.com/v1'`.
 *
 * @param options - see {@link PriceApiOptions}; copied
 * @throws the errors of {@link PriceApiOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { metalPriceApi } from 'goldkey/prices';
 *
 * const key = {
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 *   keyId: 'alias/gold-api-keys',
 * };
 * const gold = new GoldDataClient({ keyProvider: fromKms(key), ...metalPriceApi({ maxAge: 86_400_000 }) });
 * console.log((await gold.getPrices(['XAU', 'XAG'])).map(({ price }) => price));
 * ```
 */
export function metalPriceApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('metalPriceApi', DIALECT, options);
}
