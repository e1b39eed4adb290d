import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import { createTextFailureReader } from '../adapter/error-phrases.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { readConversion } from '../values/conversion.js';
import { explainUnknownMetal } from '../values/metals.js';
import { formatPair } from '../values/pair.js';
import { checkEcho, readNumber, readTime, requireNumber } from '../values/reading.js';

const DIALECT: Dialect = {
  source: 'goldapi',
  baseUrl: 'https://www.goldapi.io/api/',
  batching: 'none',
  explainUnsupported: explainUnknownMetal,
  buildRequest: ([pair], key) => ({ path: formatPair(pair), headers: { 'x-access-token': key } }),
  // A bad key is documented as 401 and has been seen as 403.
  readFailure: createTextFailureReader('key-rejected'),

  readPrice(body, pair) {
    checkEcho(body, 'metal', pair.metal);
    const convert = readConversion(body, pair);
    const [bid, ask] = [readNumber(body, 'bid'), readNumber(body, 'ask')];
    return {
      price: convert(requireNumber(body, 'price')),
      bid: bid === undefined ? undefined : convert(bid),
      ask: ask === undefined ? undefined : convert(ask),
      timestamp: readTime(body, 'timestamp'),
      direction: 'direct',
    };
  },
};

/**
 * Creates a price API for [goldapi.io](https://www.goldapi.io/dashboard), `/api/XAU/USD`. The key travels in the header
 * `x-access-token`. Gold, silver, platinum and palladium, in any currency the vendor has, with bid and ask. A bad key
 * is HTTP 403 here, which at other vendors is about the plan. It answers one price a request, so there is no
 * `fetchPrices`.
 *
 * @param options - see {@link PriceApiOptions}; copied
 * @throws the errors of {@link PriceApiOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { goldApi } from 'goldkey/prices';
 *
 * const key = {
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 *   keyId: 'alias/gold-api-keys',
 * };
 * const gold = new GoldDataClient({ keyProvider: fromKms(key), ...goldApi({ currency: 'EUR' }) });
 * console.log((await gold.getPrice('XAU')).bid);
 * ```
 */
export function goldApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('goldApi', DIALECT, options);
}
