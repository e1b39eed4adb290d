import { METALS_BY_NAME, priceIn, secondsOf, type PriceCall, type PriceDialect, type PriceReply } from '../types.js';

/**
 * API Ninjas: `GET /v1/goldprice` and `GET /v1/commodityprice?name=silver`, here also without `/v1`; the key in the header
 * `X-Api-Key` or as a parameter of that name. In US dollars. A bad key is HTTP 400 with words; HTTP 403 is a path that does
 * not exist.
 */
export const apiNinjasDialect: PriceDialect = {
  keyOf: (call) => call.header('x-api-key') ?? call.query.get('X-Api-Key') ?? undefined,
  keyRefused: (missing) => failure(400, missing ? 'Missing API Key.' : 'Invalid API Key.'),
  answer: (call, now) => price(call, now, (dollars) => dollars),
  implausible: (call, now) => price(call, now, (dollars) => 1 / dollars),
  quota: () => failure(429, 'You have used up your monthly quota.'),
  plan: () => failure(400, 'This endpoint is for premium subscribers only.'),
  rateLimited: () => failure(429, 'Too many requests.'),
};

function price(call: PriceCall, now: number, shown: (dollars: number) => number): PriceReply {
  const [, endpoint] = /^(?:\/v1)?\/(goldprice|commodityprice)\/?$/.exec(call.path) ?? [];
  // The gateway's words for a path it does not know: they are not about the key.
  if (endpoint === undefined) return { status: 403, body: { message: 'Missing Authentication Token' } };
  const name = endpoint === 'goldprice' ? 'gold' : (call.query.get('name') ?? '').toLowerCase();
  const symbol = Object.hasOwn(METALS_BY_NAME, name) ? METALS_BY_NAME[name] : undefined;
  const dollars = symbol === undefined ? undefined : priceIn(symbol, 'USD');
  if (dollars === undefined) return failure(400, 'Invalid commodity name.');
  const body = { price: shown(dollars), updated: secondsOf(now) };
  return { status: 200, body: endpoint === 'goldprice' ? body : { exchange: 'CME', name, ...body } };
}

function failure(status: number, error: string): PriceReply {
  return { status, body: { error } };
}
