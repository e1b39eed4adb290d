import { createTextError, getMetalPrice, METALS_BY_NAME, toSeconds, type PriceDialect } from '../types.js';

/** How many of each unit make a troy ounce. */
const UNITS = new Map(Object.entries({ troy_ounce: 1, gram: 31.1034768, kilogram: 0.0311034768, lb: 0.0685714286 }));

/**
 * API Ninjas: `GET /v1/goldprice` and `GET /v1/commodityprice?name=silver&currency=EUR&unit=kilogram`, here also without
 * `/v1`, and an array with `names=gold,silver`; the key in the header `X-Api-Key` or as a parameter of that name. A bad
 * key is HTTP 400 with a text; HTTP 403 is an unknown path.
 */
export const apiNinjasDialect: PriceDialect = {
  findKey: (call) => call.getHeader('x-api-key') ?? call.query.get('X-Api-Key') ?? undefined,
  answer(call, now, shown) {
    const [, endpoint] = /^(?:\/v1)?\/(goldprice|commodityprice)\/?$/.exec(call.path) ?? [];
    // The gateway answers an unknown path with this text, which is not about the key.
    if (endpoint === undefined) return { status: 403, body: { message: 'Missing Authentication Token' } };
    const updated = toSeconds(now);
    if (endpoint === 'goldprice') {
      return { status: 200, body: { price: shown(getMetalPrice('XAU', 'USD') ?? NaN), updated } };
    }
    const names = call.query.get('names');
    const currency = call.query.get('currency') ?? 'USD';
    const unit = call.query.get('unit') ?? 'troy_ounce';
    const quotes = (names ?? call.query.get('name') ?? '').split(',').map((name) => {
      const price = (getMetalPrice(METALS_BY_NAME.get(name) ?? '', currency) ?? NaN) / (UNITS.get(unit) ?? NaN);
      return { exchange: 'CME', name, price: shown(price), currency_unit: currency, unit, updated };
    });
    if (quotes.some(({ price }) => Number.isNaN(price))) return createTextError(400, 'Invalid commodity name.');
    return { status: 200, body: names === null ? (quotes[0] ?? {}) : quotes };
  },
  errors: {
    'missing-key': createTextError(400, 'Missing API Key.'),
    'wrong-key': createTextError(400, 'Invalid API Key.'),
    quota: createTextError(429, 'You have used up your monthly quota.'),
    plan: createTextError(400, 'This endpoint is for premium subscribers only.'),
    'rate-limited': createTextError(429, 'Too many requests.'),
  },
};
