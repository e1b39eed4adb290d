import { createPriceApi } from '../adapter/create-price-api.js';
import { Unreadable, type Dialect } from '../adapter/types.js';
import { member, numberIn, timeIn } from '../values/json-fields.js';
import { nameOf, notOfTheFour } from '../adapter/metals.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { faultInWords } from '../adapter/error-phrases.js';

const DIALECT: Dialect = {
  source: 'metals-dev',
  baseUrl: 'https://api.metals.dev/v1/',
  together: 'one-currency',
  unsupported: notOfTheFour,

  request: ([ask], key) => ({
    path: `latest?api_key=${encodeURIComponent(key)}&currency=${ask?.currency ?? ''}&unit=toz`,
  }),

  fault(body, status) {
    const answered = (member(body, 'status') ?? 'success') === 'success';
    // What its error codes stand for is not documented: the words decide.
    return answered && status < 300 ? undefined : faultInWords([member(body, 'error_message')], status, 'plan');
  },

  read(body, ask) {
    if ((member(body, 'currency') ?? ask.currency) !== ask.currency) {
      throw new Unreadable('implausible', 'answered in another currency than was asked for');
    }
    if ((member(body, 'unit') ?? 'toz') !== 'toz') {
      throw new Unreadable('implausible', 'answered in another unit than troy ounces');
    }
    const metals = member(body, 'metals');
    if (typeof metals !== 'object' || metals === null) throw new Unreadable('transient', 'answered without `metals`');
    const price = numberIn(metals, nameOf(ask));
    if (price === undefined) throw new Unreadable('bad-request', `has no price of \`${ask.metal}\``);
    return { price, timestamp: timeIn(member(body, 'timestamps'), 'metal'), direction: 'direct' };
  },
};

/**
 * [metals.dev](https://metals.dev/docs), endpoint `latest`, whose one answer has every metal in one currency: several
 * prices in two currencies are two requests. Gold, silver, platinum and palladium. The key travels in the URL, the only
 * place this API takes it: keep request URLs out of access logs and traces.
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
 * import { metalsDev } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...metalsDev({ maxAge: 600_000 }),
 * });
 * console.log((await gold.getPrices(['XAU', { metal: 'XAU', currency: 'EUR' }])).length);
 * ```
 */
export function metalsDev(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('metalsDev', DIALECT, options);
}
