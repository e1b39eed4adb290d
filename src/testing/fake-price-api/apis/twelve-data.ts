import { getMetalPrice, toSeconds, type PriceDialect, type PriceReply, type ShowPrice } from '../types.js';

const SCHEME = 'apikey ';
const KEY_ERROR = createError(
  401,
  '**apikey** parameter is incorrect or not specified. You can get your free API key instantly following this link: https://twelvedata.com/pricing.',
);

/**
 * Twelve Data: `GET /quote?symbol=XAU/USD` and `/price`; the key in the header `Authorization: apikey KEY` or as `apikey`.
 * Numbers are strings. Several symbols are answered by a map, each member of which may be an error; an error's `code` is
 * an HTTP status, which is that of the answer too if the error stands alone.
 */
export const twelveDataDialect: PriceDialect = {
  findKey(call) {
    const header = call.getHeader('authorization');
    if (header?.toLowerCase().startsWith(SCHEME) === true) return header.slice(SCHEME.length);
    return call.query.get('apikey') ?? undefined;
  },
  answer(call, now, shown) {
    const [, endpoint] = /^\/(quote|price)\/?$/.exec(call.path) ?? [];
    if (endpoint === undefined) return createError(404, 'The requested endpoint does not exist.');
    const symbols = (call.query.get('symbol') ?? '').split(',');
    const answers = symbols.map((symbol) => answerSymbol(symbol, endpoint, now, shown));
    if (answers.length === 1 && answers[0] !== undefined) return answers[0];
    return { status: 200, body: Object.fromEntries(answers.map(({ body }, index) => [symbols[index], body])) };
  },
  errors: {
    'missing-key': KEY_ERROR,
    'wrong-key': KEY_ERROR,
    quota: createCreditError('current day'),
    plan: createError(403, 'This endpoint is available exclusively with a higher plan. Consider upgrading your plan.'),
    'rate-limited': createCreditError('current minute'),
  },
};

function answerSymbol(symbol: string, endpoint: string, now: number, shown: ShowPrice): PriceReply {
  const [metal = '', currency = ''] = symbol.split('/');
  const found = getMetalPrice(metal, currency);
  if (found === undefined) return createError(404, '**symbol** or **figi** parameter is missing or invalid.');
  const price = String(shown(found));
  if (endpoint === 'price') return { status: 200, body: { price } };
  const seconds = toSeconds(now);
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

function createCreditError(period: string): PriceReply {
  return createError(
    429,
    `You have run out of API credits for the ${period}. 9 API credits were used, with the current limit being 8. Consider switching to a higher tier plan.`,
  );
}

function createError(code: number, message: string): PriceReply {
  return { status: code, body: { code, message, status: 'error' } };
}
