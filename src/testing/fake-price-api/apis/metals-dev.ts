import { METALS_BY_NAME, priceIn, priceOf, type PriceCall, type PriceDialect, type PriceReply } from '../types.js';

/** How many of each unit the vendor gives prices for are in a troy ounce. */
const UNITS: Readonly<Record<string, number>> = { toz: 1, g: 31.1034768, kg: 0.0311034768, mt: 0.0000311034768 };
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF', 'JPY'];

/**
 * metals.dev: `GET /v1/latest?api_key&currency&unit`, here also without `/v1`; the key in the query and nowhere else. One
 * answer has every metal, by name, in one currency. Refusals are HTTP 200 with `status: "failure"`; the error codes are
 * invented, for the vendor documents none.
 */
export const metalsDevDialect: PriceDialect = {
  keyOf: (call) => call.query.get('api_key') ?? undefined,
  keyRefused: (missing) =>
    missing ? failure(1100, 'The API Key is missing.') : failure(1101, 'The API Key is invalid.'),
  answer: (call, now) => latest(call, now, (price) => price),
  implausible: (call, now) => latest(call, now, (price) => 1 / price),
  quota: () => failure(1203, 'The monthly quota of your account is used up.'),
  plan: () => failure(1204, 'Your plan does not include this endpoint.'),
  rateLimited: () => failure(1205, 'Too many requests.', 429),
};

function latest(call: PriceCall, now: number, shown: (price: number) => number): PriceReply {
  if (!/^(\/v1)?\/latest\/?$/.test(call.path)) return failure(1404, 'The endpoint does not exist.', 404);
  const currency = call.query.get('currency') ?? 'USD';
  const unit = call.query.get('unit') ?? 'toz';
  const inAnOunce = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (!CURRENCIES.includes(currency)) return failure(1301, 'The currency is not supported.', 400);
  if (inAnOunce === undefined) return failure(1302, 'The unit is not supported.', 400);
  const metals = Object.entries(METALS_BY_NAME).map(([name, symbol]) => {
    return [name, shown((priceIn(symbol, currency) ?? NaN) / inAnOunce)] as const;
  });
  const currencies = CURRENCIES.map((one) => [one, (priceOf(one) ?? NaN) / (priceOf(currency) ?? NaN)] as const);
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
}

function failure(error_code: number, error_message: string, status = 200): PriceReply {
  return { status, body: { status: 'failure', error_code, error_message } };
}
