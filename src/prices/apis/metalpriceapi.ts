import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import { classifyText } from '../adapter/error-phrases.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { readField } from '../values/reading.js';
import { formatSymbols, LATEST_ENDPOINT } from './latest-endpoint.js';

const DIALECT: Dialect = {
  ...LATEST_ENDPOINT,
  source: 'metalpriceapi',
  baseUrl: 'https://api.metalpriceapi.com/v1/',
  buildRequest: (pairs, key) => ({
    path: `latest?base=USD&currencies=${formatSymbols(pairs)}`,
    headers: { 'x-api-key': key },
  }),

  readFailure(body, status) {
    const failure = LATEST_ENDPOINT.readFailure(body, status);
    if (failure === undefined) return undefined;
    // The codes are the family's, their meanings are not: 102 is a bad key here, and 105 has been seen for the month's
    // volume. The text decides.
    const kind = classifyText(readField(body, 'error')) ?? failure.kind;
    const { code, detail } = failure;
    return { kind, code, detail: kind === failure.kind && code !== 102 ? detail : undefined };
  },
};

/**
 * Creates a price API for [metalpriceapi.com](https://metalpriceapi.com/documentation), endpoint `latest`. The key
 * travels in the header `X-API-KEY`. Prices are requested in USD; another `currency` is converted by the rate in the
 * same answer. The precious metals are per troy ounce; for others this API documents only "per ounce". Customers of the
 * European host set `baseUrl: 'https://api-eu.metalpriceapi.com/v1'`.
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
