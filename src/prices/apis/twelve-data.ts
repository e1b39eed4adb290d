import { createPriceApi } from '../adapter/create-price-api.js';
import { Unreadable, type Ask, type Dialect, type Fault } from '../adapter/types.js';
import { faultOfStatus } from '../adapter/errors.js';
import { codeIn, member, numberIn, timeIn } from '../values/json-fields.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { kindInWords, kindOfLimit } from '../adapter/error-phrases.js';

const DIALECT: Dialect = {
  source: 'twelve-data',
  baseUrl: 'https://api.twelvedata.com/',
  together: 'any',

  request: (asks, key) => ({
    path: `quote?symbol=${[...new Set(asks.map(pairOf))].map(encodeURIComponent).join(',')}`,
    headers: { authorization: `apikey ${key}` },
  }),

  fault(body, status) {
    const fault = errorIn(body, status);
    if (fault !== undefined) return fault;
    // Of several prices each may have failed by itself; an unknown pair is told of by its name when it is read.
    return Object.values(body)
      .map((one: unknown) => errorIn(one, status))
      .find((found) => found !== undefined && found.kind !== 'bad-request');
  },

  read(body, ask, alone) {
    const pair = pairOf(ask);
    const quote = member(body, pair) ?? (alone || member(body, 'symbol') === pair ? body : undefined);
    if (quote === undefined || errorIn(quote, 200) !== undefined) {
      throw new Unreadable('bad-request', `has no price of \`${pair}\``);
    }
    if ((member(quote, 'symbol') ?? pair) !== pair) {
      throw new Unreadable('implausible', 'answered for another symbol than was asked for');
    }
    const price = numberIn(quote, 'close') ?? numberIn(quote, 'price');
    if (price === undefined) throw new Unreadable('transient', 'answered without `close`');
    // `timestamp` is the beginning of the day's candle, `last_quote_at` the minute of the price.
    const timestamp = timeIn(quote, 'last_quote_at') ?? timeIn(quote, 'timestamp');
    return { price, timestamp, direction: 'direct' };
  },
};

function pairOf({ metal, currency }: Ask): string {
  return `${metal}/${currency}`;
}

/** An error of this API: its own number, which is an HTTP status, also under HTTP 200. */
function errorIn(body: unknown, status: number): Fault | undefined {
  if (member(body, 'status') !== 'error') return undefined;
  const code = codeIn(body, 'code');
  const words = kindInWords(member(body, 'message'));
  const fault = faultOfStatus(code ?? status) ?? ({ kind: words ?? 'bad-request' } as const);
  if (fault.kind === 'rate-limited') return { kind: kindOfLimit(body), code };
  return { kind: fault.kind === 'bad-request' && words === 'plan' ? 'plan' : fault.kind, code };
}

/**
 * [Twelve Data](https://twelvedata.com/docs#quote), endpoint `quote`, with pairs such as `XAU/EUR` and several of them in
 * one request. The key travels in the header `Authorization: apikey …`. Its errors come under HTTP 200 as well; each
 * price of several may have one of its own, and one that fails fails them all. Each price counts as a credit.
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
 * import { twelveData } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...twelveData({ currency: 'EUR' }),
 * });
 * console.log((await gold.getPrices(['XAU', 'XAG'])).map(({ price }) => price));
 * ```
 */
export function twelveData(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('twelveData', DIALECT, options);
}
