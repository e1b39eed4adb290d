import { getMetalPrice, METALS_BY_NAME, USD_PRICES, type PriceDialect, type PriceReply } from '../types.js';

/** How many of each unit make a troy ounce. */
const UNITS = new Map(Object.entries({ toz: 1, g: 31.1034768, kg: 0.0311034768, mt: 0.0000311034768 }));
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF', 'JPY'];

/**
 * metals.dev: `GET /v1/latest?api_key&currency&unit`, here also without `/v1`; the key in the query and nowhere else. One
 * answer has every metal, by name, in one currency. Errors are HTTP 200 with `status: "failure"`; but for 1101 and
 * 1203, their codes are invented, because the vendor documents none.
 */
export const metalsDevDialect: PriceDialect = {
  findKey: (call) => call.query.get('api_key') ?? undefined,
  answer(call, now, shown) {
    if (!/^(\/v1)?\/latest\/?$/.test(call.path)) return createError(1404, 'The endpoint does not exist.', 404);
    const currency = call.query.get('currency') ?? 'USD';
    const unit = call.query.get('unit') ?? 'toz';
    const unitsPerOunce = UNITS.get(unit);
    if (!CURRENCIES.includes(currency)) return createError(1301, 'The currency is not supported.', 400);
    if (unitsPerOunce === undefined) return createError(1302, 'The unit is not supported.', 400);
    const metals = [...METALS_BY_NAME].map(([name, symbol]) => {
      return [name, shown((getMetalPrice(symbol, currency) ?? NaN) / unitsPerOunce)] as const;
    });
    const worth = USD_PRICES.get(currency) ?? NaN;
    const currencies = CURRENCIES.map((symbol) => [symbol, (USD_PRICES.get(symbol) ?? NaN) / worth] as const);
    const time = new Date(now).toISOString();
    return {
      status: 200,
      body: {
        status: 'success',
        currency,
        unit,
        metals: Object.fromEntries(metals),
        currencies: Object.fromEntries(currencies),
        timestamps: { metal: time, currency: time },
      },
    };
  },
  errors: {
    'missing-key': createError(1100, 'The API Key is missing.'),
    'wrong-key': createError(1101, 'The API Key is invalid.'),
    quota: createError(1203, 'The monthly quota of your account is used up.'),
    plan: createError(1204, 'Your plan does not include this endpoint.'),
    'rate-limited': createError(1205, 'Too many requests.', 429),
  },
};

function createError(error_code: number, error_message: string, status = 200): PriceReply {
  return { status, body: { status: 'failure', error_code, error_message } };
}
