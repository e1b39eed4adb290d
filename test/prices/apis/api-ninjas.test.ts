import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiNinjas } from '../../../src/prices/index.js';
import { describeRefusals, PAGES } from './refusals.js';
import { contextOf, RECENT, rejection, scriptedApi } from '../scripted-api.js';

const context = contextOf('test-key-0123');
let api: Awaited<ReturnType<typeof scriptedApi>>;

beforeAll(async () => {
  api = await scriptedApi({});
});
beforeEach(() => {
  api.urls.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

describe('apiNinjas: the price', () => {
  it.each([
    ['XAU', '/api/goldprice', 2199.5],
    ['XAG', '/api/commodityprice?name=silver', 25.3],
    ['XPT', '/api/commodityprice?name=platinum', 905.7],
    ['XPD', '/api/commodityprice?name=palladium', 1012.5],
  ])('of %s is at %s', async (metal, path, price) => {
    api.answer({ body: { price, updated: RECENT } });

    const quote = await apiNinjas({ baseUrl: api.baseUrl }).fetchPrice(metal, context);

    expect(quote).toMatchObject({ metal, price, timestamp: RECENT * 1000, source: 'api-ninjas' });
    expect(api.urls).toEqual([path]);
  });

  it.each([{ metal: 'XRH' }, { metal: 'XCU' }, { metal: 'GOLD' }])('%j is not asked for', async (query) => {
    const error = await rejection(apiNinjas({ baseUrl: api.baseUrl }).fetchPrice(query, context));
    expect(error).toMatchObject({ kind: 'bad-request', retryable: false });
    expect((error as Error).message).toContain('XAG');
    expect(api.urls).toEqual([]);
  });

  it('of several is one request for each currency, found by name', async () => {
    api.answer((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://127.0.0.1');
      const currency_unit = searchParams.get('currency') ?? 'USD';
      const names = searchParams.get('names')?.split(',') ?? [searchParams.get('name') ?? ''];
      const quotes = names.map((name) => ({
        ...{ name: `${name.toUpperCase()} futures`, currency_unit, unit: 'troy_ounce', updated: RECENT },
        price: (name === 'gold' ? 2000 : 25) * (currency_unit === 'EUR' ? 0.5 : 1),
      }));
      response.end(JSON.stringify(names.length === 1 ? quotes[0] : quotes.toReversed()));
    });
    const asked = ['XAG', { metal: 'XAU', currency: 'EUR' }, 'XAU', 'XAG'];

    const quotes = await apiNinjas({ baseUrl: api.baseUrl }).fetchPrices?.(asked, context);

    expect(quotes?.map(({ currency, price }) => [currency, price])).toEqual([
      ['USD', 25],
      ['EUR', 1000],
      ['USD', 2000],
      ['USD', 25],
    ]);
    expect(api.urls).toEqual(['/api/commodityprice?names=silver%2Cgold', '/api/commodityprice?name=gold&currency=EUR']);
  });

  it.each([
    ['USD', 'a kilogram', { unit: 'kilogram', price: 70_731.5 }, 70_731.5 * 0.0311034768],
    ['USD', 'a gram', { unit: 'gram', price: 70.7315 }, 70.7315 * 31.1034768],
    ['USD', 'a troy ounce in cents', { unit: 'troy_ounce', currency_unit: 'USX', price: 220_000 }, 2200],
    ['USD', 'a kilogram in cents', { unit: 'kg', currency_unit: 'USX', price: 7_073_150 }, 70_731.5 * 0.0311034768],
    ['USD', 'a pound', { unit: 'lb', currency_unit: 'USD', price: 32_000 }, (32_000 * 31.1034768) / 453.59237],
    ['EUR', 'a troy ounce in euros', { unit: 'troy_ounce', currency_unit: 'EUR', price: 1591 }, 1591],
    ['GBP', 'a troy ounce in pence', { unit: 'toz', currency_unit: 'GBX', price: 159_100 }, 1591],
  ])('in %s that is given for %s is converted', async (currency, _, more, price) => {
    api.answer({ body: { name: 'gold', updated: RECENT, ...more } });
    const quote = await apiNinjas({ baseUrl: api.baseUrl, currency }).fetchPrice('XAU', context);
    expect(quote).toMatchObject({ currency, unit: 'troy_ounce' });
    expect(quote.price).toBeCloseTo(price, 9);
  });

  it.each([
    ['USD', { unit: 'kilogram', currency_unit: 'EUR' }],
    ['USD', { currency_unit: 'EUR' }],
    ['USD', { currency_unit: 'GBX' }],
    ['USD', { currency_unit: 7 }],
    ['USD', { currency: 'CHF' }],
    ['EUR', { currency_unit: 'USD' }],
    ['EUR', { currency_unit: 'USX' }],
    ['EUR', {}],
    ['USD', { unit: 'barrel', currency_unit: 'USD' }],
    ['USD', { unit: 'ton', currency_unit: 'USD' }],
    ['USD', { unit: {}, currency_unit: 'USD' }],
    ['USD', { name: 'silver' }],
    ['USD', { name: 'micro_gold' }],
    ['USD', { unit: 'lb', price: -1591 }],
  ])('in %s that says %j is refused, not mislabelled', async (currency, more) => {
    api.answer({ body: { price: 1591, updated: RECENT, ...more } });
    const asked = apiNinjas({ baseUrl: api.baseUrl, currency }).fetchPrice('XAU', context);
    expect(await rejection(asked)).toMatchObject({ kind: 'implausible', retryable: false });
  });

  it('that is left out of several is named', async () => {
    api.answer({ body: [{ name: 'gold', price: 2000, updated: RECENT }] });
    const asked = apiNinjas({ baseUrl: api.baseUrl }).fetchPrices?.(['XAU', 'XAG'], context);
    expect(await rejection(asked as Promise<unknown>)).toMatchObject({
      kind: 'bad-request',
      message: 'api-ninjas has no price of `XAG`.',
    });
  });
});

describeRefusals(apiNinjas, [
  ...PAGES,
  ['a bad key', 400, { error: 'Invalid API Key.' }, 'key-rejected'],
  ['no key', 400, { error: 'Missing API Key.' }, 'key-rejected'],
  ['no key', 400, { error: 'API Key was not provided' }, 'key-rejected'],
  ['a bad key', 401, { message: 'words' }, 'key-rejected'],
  ['a plan', 400, { error: 'This endpoint is for premium subscribers only.' }, 'plan'],
  ['a bad request', 400, { error: 'Invalid commodity name, words' }, 'bad-request'],
  ['a bad request', 400, {}, 'bad-request'],
  ['a wrong path', 403, { message: 'Missing Authentication Token' }, 'bad-request'],
  ['a wrong path', 403, { message: 'Forbidden' }, 'bad-request'],
  ['throttling', 429, { error: 'words' }, 'rate-limited'],
  ['a volume used up', 429, { error: 'Monthly quota exceeded' }, 'quota'],
  ['words under success', 200, { error: 'words' }, 'bad-request'],
  ['a failing server', 502, { message: 'Invalid API Key.' }, 'transient'],
]);
