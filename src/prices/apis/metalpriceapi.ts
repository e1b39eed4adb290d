import { createPriceApi } from '../adapter/create-price-api.js';
import { apilayerFault } from './apilayer.js';
import type { Dialect } from '../adapter/types.js';
import { member } from '../values/json-fields.js';
import { readLatest, symbolsOf } from './latest-endpoint.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { kindInWords } from '../adapter/error-phrases.js';

const DIALECT: Dialect = {
  source: 'metalpriceapi',
  baseUrl: 'https://api.metalpriceapi.com/v1/',
  together: 'any',
  request: (asks, key) => ({
    path: `latest?base=USD&currencies=${symbolsOf(asks)}`,
    headers: { 'x-api-key': key },
  }),

  fault(body, status) {
    const fault = apilayerFault(body, status);
    if (fault === undefined) return undefined;
    // The numbers are the family's, what they stand for is not: 102 is a bad key here, and 105 has been seen as the
    // month's volume. The words say which.
    const kind = kindInWords(member(body, 'error')) ?? fault.kind;
    return { kind, code: fault.code, detail: kind === fault.kind && fault.code !== 102 ? fault.detail : undefined };
  },

  read: readLatest,
};

/**
 * [metalpriceapi.com](https://metalpriceapi.com/documentation), endpoint `latest`. The key travels in the header
 * `X-API-KEY`, never in the URL. Prices are asked for in USD and taken the right way round; another `currency` is
 * converted by the rate in the same answer. The precious metals are per troy ounce; of others this API says only
 * "per ounce". Customers of the European host give `baseUrl: 'https://api-eu.metalpriceapi.com/v1'`.
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
 * import { metalPriceApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...metalPriceApi({ maxAge: 86_400_000 }),
 * });
 * console.log((await gold.getPrices(['XAU', 'XAG'])).map(({ price }) => price));
 * ```
 */
export function metalPriceApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('metalPriceApi', DIALECT, options);
}
