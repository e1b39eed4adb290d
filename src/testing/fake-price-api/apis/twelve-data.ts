import { priceIn, secondsOf, type PriceCall, type PriceDialect, type PriceReply } from '../types.js';

const SCHEME = 'apikey ';

/**
 * Twelve Data: `GET /quote?symbol=XAU/USD` and `/price`; the key in the header `Authorization: apikey KEY` or as `apikey`.
 * Numbers are strings. Several symbols are answered by a map, whose members may each be an error; an error's `code` is an
 * HTTP status, which a lone error has as well.
 */
export const twelveDataDialect: PriceDialect = {
  keyOf(call) {
    const header = call.header('authorization');
    if (header?.toLowerCase().startsWith(SCHEME) === true) return header.slice(SCHEME.length);
    return call.query.get('apikey') ?? undefined;
  },
  keyRefused: () =>
    failure(
      401,
      '**apikey** parameter is incorrect or not specified. You can get your free API key instantly following this link: https://twelvedata.com/pricing.',
    ),
  answer: (call, now) => answer(call, now, (price) => price),
  implausible: (call, now) => answer(call, now, (price) => 1 / price),
  quota: () => outOfCredits('day'),
  plan: () => failure(403, 'This endpoint is available exclusively with a higher plan. Consider upgrading your plan.'),
  rateLimited: () => outOfCredits('current minute'),
};

function answer(call: PriceCall, now: number, shown: (price: number) => number): PriceReply {
  const [, endpoint] = /^\/(quote|price)\/?$/.exec(call.path) ?? [];
  if (endpoint === undefined) return failure(404, 'The requested endpoint does not exist.');
  const symbols = (call.query.get('symbol') ?? '').split(',');
  const answers = symbols.map((symbol) => [symbol, one(symbol, endpoint, now, shown)] as const);
  const [lone] = answers;
  if (answers.length === 1 && lone !== undefined) return lone[1];
  return { status: 200, body: Object.fromEntries(answers.map(([symbol, { body }]) => [symbol, body])) };
}

function one(symbol: string, endpoint: string, now: number, shown: (price: number) => number): PriceReply {
  const [metal = '', currency = ''] = symbol.split('/');
  const found = priceIn(metal, currency);
  if (found === undefined) return failure(404, '**symbol** or **figi** parameter is missing or invalid.');
  const price = String(shown(found));
  if (endpoint === 'price') return { status: 200, body: { price } };
  const seconds = secondsOf(now);
  return {
    status: 200,
    body: {
      symbol,
      name: `${metal} / ${currency}`,
      exchange: 'Forex',
      datetime: new Date(now).toISOString().slice(0, 10),
      timestamp: seconds - (seconds % 86_400),
      last_quote_at: seconds - (seconds % 60),
      open: price,
      high: price,
      low: price,
      close: price,
      previous_close: price,
      is_market_open: true,
    },
  };
}

function outOfCredits(period: string): PriceReply {
  return failure(
    429,
    `You have run out of API credits for the ${period}. 9 API credits were used, with the current limit being 8. Consider switching to a higher tier plan.`,
  );
}

function failure(code: number, message: string): PriceReply {
  return { status: code, body: { code, message, status: 'error' } };
}
