import { createPriceApi } from '../adapter/create-price-api.js';
import { Unreadable, type Dialect } from '../adapter/types.js';
import { member, numberIn, timeIn } from '../values/json-fields.js';
import { notOfTheFour } from '../adapter/metals.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { faultInWords } from '../adapter/error-phrases.js';

const DIALECT: Dialect = {
  source: 'goldapi',
  baseUrl: 'https://www.goldapi.io/api/',
  together: 'none',
  unsupported: notOfTheFour,

  request([ask], key) {
    const { metal = '', currency = '' } = ask ?? {};
    return { path: `${metal}/${currency}`, headers: { 'x-access-token': key } };
  },

  fault(body, status) {
    const error = member(body, 'error');
    if (status < 300 && !error) return undefined;
    // Documented as 401, seen as 403.
    return faultInWords([error, member(body, 'message')], status, 'key-rejected');
  },

  read(body, { metal, currency }) {
    if ((member(body, 'metal') ?? metal) !== metal || (member(body, 'currency') ?? currency) !== currency) {
      throw new Unreadable('implausible', 'answered for another metal or currency than was asked for');
    }
    const price = numberIn(body, 'price');
    if (price === undefined) throw new Unreadable('transient', 'answered without `price`');
    return {
      price,
      bid: numberIn(body, 'bid'),
      ask: numberIn(body, 'ask'),
      timestamp: timeIn(body, 'timestamp'),
      direction: 'direct',
    };
  },
};

/**
 * [goldapi.io](https://www.goldapi.io/dashboard), `/api/XAU/USD`. The key travels in the header `x-access-token`. Gold,
 * silver, platinum and palladium, in any currency the vendor has, with bid and ask. A bad key is HTTP 403 here, which
 * elsewhere is about the plan. It answers one price to a request, so there is no `fetchPrices`.
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
 * import { goldApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...goldApi({ currency: 'EUR' }),
 * });
 * console.log((await gold.getPrice('XAU')).bid);
 * ```
 */
export function goldApi(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('goldApi', DIALECT, options);
}
