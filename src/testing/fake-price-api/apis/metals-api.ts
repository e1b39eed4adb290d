import {
  getUsdPrice,
  showReciprocal,
  toSeconds,
  type PriceDialect,
  type PriceReply,
  type ShowPrice,
} from '../types.js';

/**
 * metals-api.com: `GET /api/latest?access_key&base&symbols`, here also without `/api`. `rates[S]` is how many S one
 * unit of the base buys (with base USD: ounces per dollar), `rates[base + S]` its reciprocal (the price). A bad key is
 * HTTP 401 with code 101; every other error of the API itself is HTTP 200 with `success: false`.
 */
export const metalsApiDialect: PriceDialect = {
  findKey: (call) => call.query.get('access_key') ?? undefined,
  answer(call, now, shown) {
    if (!/^(\/api)?\/latest\/?$/.test(call.path)) {
      return createError(103, 'invalid_api_function', 'This API Function does not exist.', 404);
    }
    const base = call.query.get('base') ?? 'USD';
    if (getUsdPrice(base) === undefined) {
      return createError(201, 'invalid_base_currency', 'You have provided an invalid base currency.');
    }
    const rates = createRates(base, (call.query.get('symbols') ?? '').split(','), shown);
    if (rates === undefined) {
      return createError(
        202,
        'invalid_currency_codes',
        'You have provided one or more invalid Currency Codes. [Required format: currencies=EUR,USD,GBP,...]',
      );
    }
    const date = new Date(now).toISOString().slice(0, 10);
    return { status: 200, body: { success: true, timestamp: toSeconds(now), date, base, rates, unit: 'per ounce' } };
  },
  errors: {
    'missing-key': createError(
      101,
      'missing_access_key',
      'You have not supplied an API Access Key. [Required format: access_key=YOUR_ACCESS_KEY]',
      401,
    ),
    'wrong-key': createError(101, 'invalid_access_key', 'You have not supplied a valid API Access Key.', 401),
    quota: createError(
      104,
      'monthly_limit_reached',
      'Your monthly API request volume has been reached. Please upgrade your plan.',
    ),
    plan: createError(
      105,
      'function_access_restricted',
      'Access Restricted - Your current Subscription Plan does not support this API Function.',
    ),
    'rate-limited': createError(
      106,
      'rate_limit_reached',
      'You have exceeded the maximum rate limitation allowed on your subscription plan.',
      429,
    ),
  },
};

/**
 * Returns for each symbol how many of it one unit of the base buys and, beside it, the reciprocal, which is the price.
 * An implausible rate stands alone, so that no second number shows the mistake. Returns `undefined` for an unknown base
 * or symbol.
 */
export function createRates(
  base: string,
  symbols: readonly string[],
  shown: ShowPrice,
): Record<string, number> | undefined {
  const basePrice = getUsdPrice(base);
  const rates: Record<string, number> = {};
  for (const symbol of symbols) {
    const price = getUsdPrice(symbol);
    if (price === undefined || basePrice === undefined) return undefined;
    rates[symbol] = shown(basePrice / price);
    if (shown !== showReciprocal) rates[`${base}${symbol}`] = price / basePrice;
  }
  return rates;
}

function createError(code: number, type: string, info: string, status = 200): PriceReply {
  return { status, body: { success: false, error: { code, type, info } } };
}
