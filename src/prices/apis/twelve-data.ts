import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import { classifyLimit, classifyText } from '../adapter/error-phrases.js';
import { classifyStatus, type Failure } from '../adapter/errors.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { readConversion } from '../values/conversion.js';
import { explainUnknownMetal } from '../values/metals.js';
import { formatPair } from '../values/pair.js';
import { checkEcho, readErrorCode, readField, readTime, requireNumber, UnusableBody } from '../values/reading.js';

const DIALECT: Dialect = {
  source: 'twelve-data',
  baseUrl: 'https://api.twelvedata.com/',
  batching: 'any',
  explainUnsupported: explainUnknownMetal,

  buildRequest: (pairs, key) => ({
    path: `quote?symbol=${[...new Set(pairs.map(formatPair))].map(encodeURIComponent).join(',')}`,
    headers: { authorization: `apikey ${key}` },
  }),

  readFailure(body, status) {
    const failure = readError(body, status);
    if (failure !== undefined) return failure;
    // Each of several prices may have failed; an unknown pair is named when it is read.
    return Object.values(body)
      .map((quote: unknown) => readError(quote, status))
      .find((found) => found !== undefined && found.kind !== 'bad-request');
  },

  readPrice(body, pair, isAlone) {
    const symbol = formatPair(pair);
    const quote = readField(body, symbol) ?? (isAlone || readField(body, 'symbol') === symbol ? body : undefined);
    if (quote === undefined || readError(quote, 200) !== undefined) {
      throw new UnusableBody('bad-request', `has no price of \`${symbol}\``);
    }
    checkEcho(quote, 'symbol', symbol);
    return {
      price: readConversion(quote, pair)(requireNumber(quote, 'close', 'price')),
      // `timestamp` is the beginning of the day's candle, `last_quote_at` the minute of the price.
      timestamp: readTime(quote, 'last_quote_at') ?? readTime(quote, 'timestamp'),
      direction: 'direct',
    };
  },
};

/**
 * Returns the failure in a body or one of its quotes. Its code is an HTTP status, also in an answer with status 200.
 */
function readError(body: unknown, status: number): Failure | undefined {
  if (readField(body, 'status') !== 'error') return undefined;
  const code = readErrorCode(body, 'code');
  const textKind = classifyText(readField(body, 'message'));
  const kind = classifyStatus(code ?? status)?.kind ?? textKind ?? 'bad-request';
  if (kind === 'rate-limited') return { kind: classifyLimit(body), code };
  return { kind: kind === 'bad-request' && textKind === 'plan' ? 'plan' : kind, code };
}

/**
 * Creates a price API for [Twelve Data](https://twelvedata.com/docs#quote), endpoint `quote`, with pairs such as
 * `XAU/EUR` and several of them in one request: gold, silver, platinum and palladium. The key travels in the header
 * `Authorization: apikey …`. Errors come with HTTP 200 as well; each of several prices may have one, and one that fails
 * fails the call. Each price counts as a credit.
 *
 * @param options - see {@link PriceApiOptions}; copied
 * @throws the errors of {@link PriceApiOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { twelveData } from 'goldkey/prices';
 *
 * const key = {
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 *   keyId: 'alias/gold-api-keys',
 * };
 * const gold = new GoldDataClient({ keyProvider: fromKms(key), ...twelveData({ currency: 'EUR' }) });
 * console.log((await gold.getPrices(['XAU', 'XAG'])).map(({ price }) => price));
 * ```
 */
export function twelveData(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('twelveData', DIALECT, options);
}
