import { createPriceApi, type Dialect } from '../adapter/create-price-api.js';
import { classifyTextFailure } from '../adapter/error-phrases.js';
import type { PriceApi, PriceApiOptions } from '../types.js';
import { explainUnknownMetal, getMetalName } from '../values/metals.js';
import {
  checkEcho,
  readErrorCode,
  readField,
  readNumber,
  readTime,
  requireObject,
  UnusableBody,
} from '../values/reading.js';

/** The two error codes that are known. */
const BAD_KEY = 1101;
const USED_UP = 1203;

const DIALECT: Dialect = {
  source: 'metals-dev',
  baseUrl: 'https://api.metals.dev/v1/',
  batching: 'one-currency',
  explainUnsupported: explainUnknownMetal,
  buildRequest: ([{ currency }], key) => ({
    path: `latest?api_key=${encodeURIComponent(key)}&currency=${currency}&unit=toz`,
  }),

  readFailure(body, status) {
    const texts = [readField(body, 'error'), readField(body, 'error_message')];
    const code = readErrorCode(body, 'error_code');
    if (code === BAD_KEY) return { kind: 'key-rejected', code };
    if (code === USED_UP) return { kind: 'quota', code };
    const isSuccess = (readField(body, 'status') ?? 'success') === 'success' && code === undefined && !texts[0];
    if (isSuccess && status < 300) return undefined;
    // Other codes are not documented: the text decides.
    const failure = classifyTextFailure(texts, status, 'plan');
    return failure && { ...failure, code };
  },

  readPrice(body, pair) {
    checkEcho(body, 'currency', pair.currency);
    checkEcho(body, 'unit', 'toz');
    const price = readNumber(requireObject(body, 'metals'), getMetalName(pair));
    if (price === undefined) throw new UnusableBody('bad-request', `has no price of \`${pair.metal}\``);
    return { price, timestamp: readTime(readField(body, 'timestamps'), 'metal'), direction: 'direct' };
  },
};

/**
 * Creates a price API for [metals.dev](https://metals.dev/docs), endpoint `latest`, whose answer has every metal in one
 * currency: prices in two currencies are two requests. Gold, silver, platinum and palladium. The key travels in the
 * URL, the only place this API takes it: keep request URLs out of access logs and traces.
 *
 * @param options - see {@link PriceApiOptions}; copied
 * @throws the errors of {@link PriceApiOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { metalsDev } from 'goldkey/prices';
 *
 * const key = {
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 *   keyId: 'alias/gold-api-keys',
 * };
 * const gold = new GoldDataClient({ keyProvider: fromKms(key), ...metalsDev({ maxAge: 600_000 }) });
 * console.log((await gold.getPrices(['XAU', { metal: 'XAU', currency: 'EUR' }])).length);
 * ```
 */
export function metalsDev(options: PriceApiOptions = {}): PriceApi {
  return createPriceApi('metalsDev', DIALECT, options);
}
