import { getMetalPrice, toSeconds, type PriceDialect, type PriceReply } from '../types.js';

/** Grams in a troy ounce. */
const GRAMS = 31.1034768;

/**
 * goldapi.io: `GET /api/XAU/USD`, here also without `/api`; the key in the header `x-access-token` and nowhere else. A bad
 * key and a used-up volume are both HTTP 403 with a text.
 */
export const goldapiDialect: PriceDialect = {
  findKey: (call) => call.getHeader('x-access-token'),
  answer(call, now, shown) {
    const [, metal, currency] = /^(?:\/api)?\/([A-Z]{3})\/([A-Z]{3})\/?$/.exec(call.path) ?? [];
    if (metal === undefined || currency === undefined) return createError(404, 'Not found');
    const found = getMetalPrice(metal, currency);
    if (found === undefined) return createError(404, 'No data available for this date or pair.');
    const price = shown(found);
    const timestamp = toSeconds(now);
    return {
      status: 200,
      body: {
        timestamp,
        metal,
        currency,
        exchange: 'FOREXCOM',
        symbol: `FOREXCOM:${metal}${currency}`,
        prev_close_price: price,
        open_price: price,
        low_price: price,
        high_price: price,
        open_time: timestamp - (timestamp % 86_400),
        price,
        ch: 0,
        chp: 0,
        ask: price * 1.0002,
        bid: price * 0.9998,
        price_gram_24k: Number((price / GRAMS).toFixed(4)),
      },
    };
  },
  errors: {
    'missing-key': createError(403, 'No API Key provided'),
    'wrong-key': createError(403, 'Invalid API Key'),
    quota: createError(403, 'Monthly API quota exceeded. Please upgrade your plan'),
    plan: createError(403, 'This request needs a paid subscription'),
    'rate-limited': createError(429, 'Too many requests'),
  },
};

function createError(status: number, error: string): PriceReply {
  return { status, body: { error } };
}
