import { priceIn, secondsOf, type PriceCall, type PriceDialect, type PriceReply } from '../types.js';

const GRAMS = 31.1034768;

/**
 * goldapi.io: `GET /api/XAU/USD`, here also without `/api`; the key in the header `x-access-token` and nowhere else. A bad
 * key is HTTP 403 with bare words, and so is a volume used up.
 */
export const goldapiDialect: PriceDialect = {
  keyOf: (call) => call.header('x-access-token'),
  keyRefused: (missing) => failure(403, missing ? 'No API Key provided' : 'Invalid API Key'),
  answer: (call, now) => quote(call, now, (price) => price),
  implausible: (call, now) => quote(call, now, (price) => 1 / price),
  quota: () => failure(403, 'Monthly API quota exceeded. Please upgrade your plan'),
  plan: () => failure(403, 'This request needs a paid subscription'),
  rateLimited: () => failure(429, 'Too many requests'),
};

function quote(call: PriceCall, now: number, shown: (price: number) => number): PriceReply {
  const [, metal, currency] = /^(?:\/api)?\/([A-Z]{3})\/([A-Z]{3})\/?$/.exec(call.path) ?? [];
  if (metal === undefined || currency === undefined) return failure(404, 'Not found');
  const found = priceIn(metal, currency);
  if (found === undefined) return failure(404, 'No data available for this date or pair.');
  const price = shown(found);
  const timestamp = secondsOf(now);
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
}

function failure(status: number, error: string): PriceReply {
  return { status, body: { error } };
}
