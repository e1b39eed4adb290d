import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { metalsApi, PriceApiError, type PriceApiErrorKind } from '../../../src/prices/index.js';
import { contextOf, RECENT, rejection, scriptedApi } from '../scripted-api.js';

const KEY = 'test-key/+& 0123'.replace(' ', '');
const context = contextOf(KEY);
let api: Awaited<ReturnType<typeof scriptedApi>>;

beforeAll(async () => {
  api = await scriptedApi({});
});
beforeEach(() => {
  api.urls.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

const rates = (more: Record<string, unknown>, base = 'USD') => ({
  body: { success: true, timestamp: RECENT, base, rates: more, unit: 'per ounce' },
});

describe('metalsApi: the request', () => {
  it('asks for USD and puts the key, encoded, into the query', async () => {
    api.answer(rates({ XAU: 0.0005 }));

    await metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);

    expect(api.urls).toEqual([`/api/latest?access_key=${encodeURIComponent(KEY)}&base=USD&symbols=XAU`]);
  });

  it('asks for several symbols in one request and answers in the order asked', async () => {
    api.answer(rates({ XAU: 0.0005, XAG: 0.04, EUR: 0.5 }));
    const { fetchPrices } = metalsApi({ baseUrl: api.baseUrl });

    const quotes = await fetchPrices?.(['XAG', 'XAU', { metal: 'XAU', currency: 'EUR' }], context);

    expect(quotes?.map(({ metal, currency, price }) => [metal, currency, price])).toEqual([
      ['XAG', 'USD', 25],
      ['XAU', 'USD', 2000],
      ['XAU', 'EUR', 1000],
    ]);
    expect(api.urls).toEqual([expect.stringMatching(/&base=USD&symbols=XAG,XAU,EUR$/)]);
  });

  it('sends nothing for no queries', async () => {
    expect(await metalsApi({ baseUrl: api.baseUrl }).fetchPrices?.([], context)).toEqual([]);
    expect(api.urls).toEqual([]);
  });

  it.each(['gold', 'X', 'XAU&base=EUR', ''])('sends nothing for %j, which is no symbol', async (metal) => {
    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice(metal, context));

    expect(error).toMatchObject({ kind: 'bad-request', retryable: false });
    expect(api.urls).toEqual([]);
  });

  it.each([undefined, null])('sends nothing for %j, which is no query', async (query) => {
    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice(query as never, context));

    expect(error).toMatchObject({ kind: 'bad-request', retryable: false });
    expect(api.urls).toEqual([]);
  });

  it('sends nothing for a currency that is none', async () => {
    const query = { metal: 'XAU', currency: 'dollar' };
    expect(await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice(query, context))).toMatchObject({
      kind: 'bad-request',
    });
    expect(api.urls).toEqual([]);
  });
});

describe('metalsApi: the price', () => {
  it.each([
    [
      'the direct rate is the price',
      rates({ XAU: 0.0004546459805651, USDXAU: 2199.5135616442817 }),
      2199.5135616442817,
      'direct',
    ],
    ['a lone inverse is inverted once', rates({ XAU: 0.0004546459805651 }), 1 / 0.0004546459805651, 'inverted'],
    ['with base XAU the plain rate is the price', rates({ USD: 1817.06, XAUUSD: 0.00055 }, 'XAU'), 1817.06, 'direct'],
    ['a number written as a string is read', rates({ USDXAU: '2199.5' }), 2199.5, 'direct'],
    ['a body wrapped in data is read', { body: { data: rates({ USDXAU: 2199.5 }).body } }, 2199.5, 'direct'],
  ])('%s', async (_, script, price, direction) => {
    api.answer(script);

    const quote = await metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);

    expect(quote).toMatchObject({ metal: 'XAU', currency: 'USD', unit: 'troy_ounce', source: 'metals-api', direction });
    expect(quote.price).toBeCloseTo(price, 8);
  });

  it.each([
    ['ounces per dollar given as dollars per ounce', rates({ XAU: 2199.5 })],
    ['silver the wrong way round', rates({ XAG: 25.3 })],
    ['a direct and an inverse rate that contradict each other', rates({ XAU: 0.0005, USDXAU: 2100 })],
    ['a rate of zero', rates({ XAU: 0 })],
    ['a negative rate', rates({ USDXAU: -2000 })],
    ['another base than asked for', rates({ XAU: 0.0005 }, 'EUR')],
    ['a price per gram', { body: { ...rates({ USDXAU: 2000 }).body, unit: 'per gram' } }],
    ['a price per barrel', { body: { ...rates({ USDXAU: 2000 }).body, unit: 'per barrel' } }],
  ])('%s is implausible', async (_, script) => {
    api.answer(script);
    const metal = 'XAG' in script.body.rates ? 'XAG' : 'XAU';

    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice(metal, context));

    expect(error).toBeInstanceOf(PriceApiError);
    expect(error).toMatchObject({ kind: 'implausible', status: 200, retryable: false, source: 'metals-api' });
  });

  it('a symbol the answer leaves out is a bad request', async () => {
    api.answer(rates({ XAU: 0.0005 }));
    expect(await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XPD', context))).toMatchObject({
      kind: 'bad-request',
    });
  });

  it('another currency is converted by the rate in the same answer', async () => {
    api.answer(rates({ XAU: 0.0005, USDXAU: 2000, EUR: 0.9, USDEUR: 1 / 0.9 }));

    const quote = await metalsApi({ baseUrl: api.baseUrl, currency: 'EUR' }).fetchPrice('XAU', context);

    expect(quote).toMatchObject({ currency: 'EUR', price: 1800, direction: 'direct' });
  });

  it('an answer for a base other than USD needs bounds, for its direction is not certain', async () => {
    api.answer(rates({ EURXAU: 1800, XAU: 1 / 1800 }, 'EUR'));
    const options = { baseUrl: api.baseUrl, currency: 'EUR' };

    const error = await rejection(metalsApi(options).fetchPrice('XAU', context));
    const quote = await metalsApi({ ...options, bounds: { XAU: [500, 5000] } }).fetchPrice('XAU', context);

    expect(error).toMatchObject({ kind: 'implausible', message: expect.stringContaining('`bounds.XAU`') });
    expect(quote.price).toBe(1800);
  });

  it.each([
    ['troy_ounce', 31.1034768],
    ['gram', 1],
    ['kilogram', 1000],
    ['tola', 11.6638038],
  ] as const)('a price per %s follows the exact definitions', async (unit, grams) => {
    api.answer(rates({ USDXAU: 2000 }));

    const quote = await metalsApi({ baseUrl: api.baseUrl, unit }).fetchPrice('XAU', context);

    expect(quote.unit).toBe(unit);
    expect(quote.price).toBeCloseTo((2000 / 31.1034768) * grams, 6);
  });

  it('tells the time the API says the price is of, in milliseconds', async () => {
    api.answer(rates({ USDXAU: 2000 }));
    const adapter = metalsApi({ baseUrl: api.baseUrl, maxAge: Infinity });
    expect((await adapter.fetchPrice('XAU', context)).timestamp).toBe(RECENT * 1000);

    api.answer({ body: { success: true, base: 'USD', date: '2024-03-21', rates: { USDXAU: 2000 } } });
    expect((await adapter.fetchPrice('XAU', context)).timestamp).toBe(Date.parse('2024-03-21'));

    for (const [timestamp, expected] of [
      ['2024-03-21 13:43:00', '2024-03-21T13:43:00Z'],
      ['2024-03-21T13:43:00+02:00', '2024-03-21T11:43:00Z'],
      [1_711_028_580_123, '2024-03-21T13:43:00.123Z'],
    ] as const) {
      api.answer({ body: { success: true, base: 'USD', timestamp, rates: { USDXAU: 2000 } } });
      expect((await adapter.fetchPrice('XAU', context)).timestamp).toBe(Date.parse(expected));
    }
  });

  it.each([0, -5, 'soon', '', null, {}])('a time of %j is none: the answer’s own counts', async (timestamp) => {
    api.answer({ body: { success: true, base: 'USD', timestamp, rates: { USDXAU: 2000 } } });

    const quote = await metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);

    expect(Math.abs(quote.timestamp - Date.now())).toBeLessThan(60_000);
    const dated = metalsApi({ baseUrl: api.baseUrl, maxAge: 60_000 }).fetchPrice('XAU', context);
    expect(await rejection(dated)).toMatchObject({ kind: 'implausible', message: expect.stringContaining('no time') });
  });
});

const coded = (code: number, more: object = {}) => ({ success: false, error: { code, info: 'words', ...more } });

describe('metalsApi: refusals', () => {
  const html = '<html><h1>Sorry</h1></html>';
  const cases: [string, number, unknown, PriceApiErrorKind][] = [
    ['code 101', 200, coded(101, { type: 'invalid_access_key' }), 'key-rejected'],
    ['code 101', 401, coded(101, { type: 'invalid_access_key' }), 'key-rejected'],
    ['statusCode 102', 200, { success: false, error: { statusCode: 102, message: 'words' } }, 'key-rejected'],
    ['a code in words', 401, { error: { code: 'invalid_access_key', message: 'words' } }, 'key-rejected'],
    ['code 104 wrapped in data', 200, { data: coded(104) }, 'quota'],
    ['code 104', 429, coded(104), 'quota'],
    ['code 105', 200, coded(105), 'plan'],
    ['code 105', 403, coded(105), 'plan'],
    ['code 106', 200, coded(106), 'transient'],
    ['code 106', 429, coded(106), 'rate-limited'],
    ['code 106 that says why', 200, coded(106, { type: 'rate_limit_reached' }), 'rate-limited'],
    ['code 104 beside a type', 200, coded(104, { type: 'invalid_access_key' }), 'quota'],
    ['code 101 beside a type', 429, coded(101, { type: 'usage_limit_reached' }), 'key-rejected'],
    ['code 201 beside a type', 401, coded(201, { type: 'invalid_access_key' }), 'bad-request'],
    ['the gateway’s minute', 429, { message: 'words per minute' }, 'rate-limited'],
    ['the gateway’s month', 429, { message: 'You have exceeded your daily/monthly API rate limit' }, 'quota'],
    ['code 201', 200, coded(201), 'bad-request'],
    ['code 202', 400, coded(202), 'bad-request'],
    ['code 302', 200, coded(302), 'bad-request'],
    ['code 403, which is no status', 200, coded(403), 'bad-request'],
    ['code 404, which is no status', 200, coded(404), 'bad-request'],
    ['code 502, which is no status', 200, coded(502), 'bad-request'],
    ['code 503 under a failing server', 503, coded(503), 'transient'],
    ['words under a failing server', 503, { success: false, error: { info: 'daily words' } }, 'transient'],
    ['no code', 200, { success: false }, 'bad-request'],
    ['the words of a bad key', 400, { error: 'Invalid API Key.' }, 'key-rejected'],
    ['the words of a plan', 400, { error: 'This endpoint is for premium subscribers only.' }, 'plan'],
    ['a gateway', 401, { message: 'No API key found in request' }, 'key-rejected'],
    ['a page', 401, html, 'key-rejected'],
    ['a page', 403, html, 'plan'],
    ['a body without code', 403, { message: 'Forbidden' }, 'plan'],
    ['a page', 404, html, 'bad-request'],
    ['a page', 429, html, 'rate-limited'],
    ['a page', 500, html, 'transient'],
    ['a page', 503, html, 'transient'],
    ['a page', 200, html, 'transient'],
    ['nothing', 200, '', 'transient'],
    ['half a body', 200, '{"success":true,"rates":{"XA', 'transient'],
    ['a body without rates', 200, { success: true, error: null }, 'transient'],
  ];

  it.each(cases)('%s under HTTP %i: %#', async (_, status, body, kind) => {
    api.answer({ status, body });
    const adapter = metalsApi({ baseUrl: api.baseUrl });

    const error = await rejection(adapter.fetchPrice('XAU', context));

    expect(error).toBeInstanceOf(PriceApiError);
    expect(error).toMatchObject({ name: 'PriceApiError', code: 'ERR_GOLDKEY_PRICE_API', kind, status });
    const passes = kind === 'transient' || kind === 'rate-limited';
    expect((error as PriceApiError).retryable).toBe(passes);
    expect(adapter.isTransient({ error })).toBe(passes);
    expect(adapter.isKeyRejected({ error })).toBe(kind === 'key-rejected');
    expect((error as Error).message).not.toMatch(/words|Sorry/);
  });

  it('a code that no vendor has, and that may be the key, is not told', async () => {
    api.answer({ body: '{"success":false,"error":{"code":1.2345678e7}}' });
    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', contextOf('12345678')));
    expect(error).toMatchObject({ kind: 'bad-request', message: expect.not.stringContaining('12345678') });
  });

  it.each([
    ['7', 7000],
    ['0', 0],
    ['-5', 0],
    ['1711028580', 86_400_000],
    ['Infinity', undefined],
    ['soon', undefined],
  ])('Retry-After %j is %s ms from now', async (header, retryAfter) => {
    api.answer({ status: 429, headers: { 'retry-after': header } });
    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context));
    expect((error as PriceApiError).retryAfter).toBe(retryAfter);
  });

  it('Retry-After may be a date', async () => {
    api.answer({ status: 503, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } });
    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context));
    expect((error as PriceApiError).retryAfter).toBeGreaterThan(50_000);
    expect((error as PriceApiError).retryAfter).toBeLessThanOrEqual(60_000);
  });

  it('outcomes of a fetch of the caller’s own are read by status and socket code', () => {
    const { isKeyRejected, isTransient } = metalsApi();
    const wrapped = new Error('x', { cause: { response: { status: 401 } } });

    expect(isKeyRejected({ result: new Response('', { status: 401 }) })).toBe(true);
    expect(isKeyRejected({ error: wrapped })).toBe(true);
    expect(isKeyRejected({ error: new Error('401') })).toBe(false);
    expect(isKeyRejected({ result: { status: 401 } })).toBe(false);
    expect(isTransient({ error: Object.assign(new Error('x'), { code: 'ECONNRESET' }) })).toBe(true);
    expect(isTransient({ result: new Response('', { status: 503 }) })).toBe(true);
    expect(isTransient({ error: wrapped })).toBe(false);
    expect(isTransient({})).toBe(false);
  });
});
