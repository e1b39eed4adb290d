import { priceOf, secondsOf, type PriceCall, type PriceDialect, type PriceReply } from '../types.js';
import { both, ratesFor, swapped, type RatesOf } from '../rates.js';

/**
 * metals-api.com: `GET /api/latest?access_key&base&symbols`, here also without `/api`. `rates[S]` is how many S one
 * unit of the base buys (with base USD: ounces per dollar), `rates[base + S]` its reciprocal (the price). A bad key is
 * HTTP 401 with code 101; every other refusal of the API itself is HTTP 200 with `success: false`.
 */
export const metalsApiDialect: PriceDialect = {
  keyOf: (call) => call.query.get('access_key') ?? undefined,
  keyRefused: (missing) =>
    missing
      ? failure(
          101,
          'missing_access_key',
          'You have not supplied an API Access Key. [Required format: access_key=YOUR_ACCESS_KEY]',
          401,
        )
      : failure(101, 'invalid_access_key', 'You have not supplied a valid API Access Key.', 401),
  answer: (call, now) => latest(call, now, both),
  implausible: (call, now) => latest(call, now, swapped),
  quota: () =>
    failure(
      104,
      'monthly_limit_reached',
      'Your monthly API request volume has been reached. Please upgrade your plan.',
    ),
  plan: () =>
    failure(
      105,
      'function_access_restricted',
      'Access Restricted - Your current Subscription Plan does not support this API Function.',
    ),
  rateLimited: () =>
    failure(
      106,
      'rate_limit_reached',
      'You have exceeded the maximum rate limitation allowed on your subscription plan.',
      429,
    ),
};

function latest(call: PriceCall, now: number, ratesOf: RatesOf): PriceReply {
  if (!/^(\/api)?\/latest\/?$/.test(call.path)) {
    return failure(103, 'invalid_api_function', 'This API Function does not exist.', 404);
  }
  const base = call.query.get('base') ?? 'USD';
  if (priceOf(base) === undefined) {
    return failure(201, 'invalid_base_currency', 'You have provided an invalid base currency.');
  }
  const rates = ratesFor(base, (call.query.get('symbols') ?? '').split(','), ratesOf);
  if (rates === undefined) {
    return failure(
      202,
      'invalid_currency_codes',
      'You have provided one or more invalid Currency Codes. [Required format: currencies=EUR,USD,GBP,...]',
    );
  }
  const date = new Date(now).toISOString().slice(0, 10);
  return { status: 200, body: { success: true, timestamp: secondsOf(now), date, base, rates, unit: 'per ounce' } };
}

function failure(code: number, type: string, info: string, status = 200): PriceReply {
  return { status, body: { success: false, error: { code, type, info } } };
}
