import { priceOf, secondsOf, USD_PRICES, type PriceCall, type PriceDialect, type PriceReply } from '../types.js';
import { both, ratesFor, swapped, type RatesOf } from '../rates.js';

/**
 * metalpriceapi.com: `GET /v1/latest?base&currencies`, here also without `/v1`; the key in the header `X-API-KEY` or as
 * `api_key`. Rates are metals-api's; without `currencies` (`symbols` means nothing here) it gives all it has. Refusals are
 * HTTP 200 with a `statusCode`, whose numbers are not metals-api's: the words say what is meant.
 */
export const metalpriceapiDialect: PriceDialect = {
  keyOf: (call) => call.header('x-api-key') ?? call.query.get('api_key') ?? undefined,
  keyRefused: (missing) =>
    failure(missing ? 101 : 102, 'User did not supply an access key or supplied an invalid access key'),
  answer: (call, now) => latest(call, now, both),
  implausible: (call, now) => latest(call, now, swapped),
  quota: () => failure(105, "User has reached or exceeded his subscription plan's monthly API request allowance."),
  plan: () => failure(105, 'Your current subscription plan does not support this API function.'),
  rateLimited: () => failure(104, 'Too Many Requests', 429),
};

function latest(call: PriceCall, now: number, ratesOf: RatesOf): PriceReply {
  if (!/^(\/v1)?\/latest\/?$/.test(call.path)) {
    return failure(404, 'User requested a non-existent API function', 404);
  }
  const base = call.query.get('base') ?? 'USD';
  if (priceOf(base) === undefined) return failure(201, 'User entered an invalid Base Currency');
  const currencies = call.query.get('currencies')?.split(',') ?? Object.keys(USD_PRICES).filter((one) => one !== base);
  const rates = ratesFor(base, currencies, ratesOf);
  if (rates === undefined) return failure(202, 'User entered one or more invalid currency codes');
  return { status: 200, body: { success: true, base, timestamp: secondsOf(now), rates } };
}

function failure(statusCode: number, message: string, status = 200): PriceReply {
  return { status, body: { success: false, error: { statusCode, message } } };
}
