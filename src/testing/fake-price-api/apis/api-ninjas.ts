import { getMetalPrice, METALS_BY_NAME, toSeconds, type PriceDialect, type PriceReply } from '../types.js';

/**
 * API Ninjas: `GET /v1/goldprice` and `GET /v1/commodityprice?name=silver`, here also without `/v1`; the key in the header
 * `X-Api-Key` or as a parameter of that name. Prices are in US dollars. A bad key is HTTP 400 with a text; HTTP 403 is an
 * unknown path.
 */
export const apiNinjasDialect: PriceDialect = {
  findKey: (call) => call.getHeader('x-api-key') ?? call.query.get('X-Api-Key') ?? undefined,
  answer(call, now, shown) {
    const [, endpoint] = /^(?:\/v1)?\/(goldprice|commodityprice)\/?$/.exec(call.path) ?? [];
    // The gateway answers an unknown path with this text, which is not about the key.
    if (endpoint === undefined) return { status: 403, body: { message: 'Missing Authentication Token' } };
    const name = endpoint === 'goldprice' ? 'gold' : (call.query.get('name') ?? '').toLowerCase();
    const symbol = Object.hasOwn(METALS_BY_NAME, name) ? METALS_BY_NAME[name] : undefined;
    const dollars = symbol === undefined ? undefined : getMetalPrice(symbol, 'USD');
    if (dollars === undefined) return createError(400, 'Invalid commodity name.');
    const body = { price: shown(dollars), updated: toSeconds(now) };
    return { status: 200, body: endpoint === 'goldprice' ? body : { exchange: 'CME', name, ...body } };
  },
  errors: {
    'missing-key': createError(400, 'Missing API Key.'),
    'wrong-key': createError(400, 'Invalid API Key.'),
    quota: createError(429, 'You have used up your monthly quota.'),
    plan: createError(400, 'This endpoint is for premium subscribers only.'),
    'rate-limited': createError(429, 'Too many requests.'),
  },
};

function createError(status: number, error: string): PriceReply {
  return { status, body: { error } };
}
