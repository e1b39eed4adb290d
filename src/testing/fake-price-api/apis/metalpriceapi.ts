import { toSeconds, USD_PRICES, type PriceDialect, type PriceReply } from '../types.js';
import { createRates } from './metals-api.js';

/**
 * metalpriceapi.com: `GET /v1/latest?base&currencies`, here also without `/v1`; the key in the header `X-API-KEY` or as
 * `api_key`. Rates are those of metals-api; without `currencies` it gives all it has, and it ignores `symbols`. Errors are
 * HTTP 200 with a `statusCode`, whose numbers mean other things than metals-api's. Which one a plan has is not known: it
 * has none here.
 */
export const metalpriceapiDialect: PriceDialect = {
  findKey: (call) => call.getHeader('x-api-key') ?? call.query.get('api_key') ?? undefined,
  answer(call, now, shown) {
    if (!/^(\/v1)?\/latest\/?$/.test(call.path)) {
      return createError(404, 'User requested a non-existent API function', 404);
    }
    const base = call.query.get('base') ?? 'USD';
    if (!USD_PRICES.has(base)) return createError(201, 'User entered an invalid Base Currency');
    const others = [...USD_PRICES.keys()].filter((symbol) => symbol !== base);
    const rates = createRates(base, call.query.get('currencies')?.split(',') ?? others, shown);
    if (rates === undefined) return createError(202, 'User entered one or more invalid currency codes');
    return { status: 200, body: { success: true, base, timestamp: toSeconds(now), rates } };
  },
  errors: {
    'missing-key': createError(101, 'User did not supply an access key or supplied an invalid access key'),
    'wrong-key': createError(102, 'User did not supply an access key or supplied an invalid access key'),
    quota: createError(105, "User has reached or exceeded his subscription plan's monthly API request allowance."),
    plan: createError(undefined, 'Your current subscription plan does not support this API function.'),
    'rate-limited': createError(104, 'Too Many Requests', 429),
  },
};

function createError(statusCode: number | undefined, message: string, status = 200): PriceReply {
  return { status, body: { success: false, error: { ...(statusCode !== undefined && { statusCode }), message } } };
}
