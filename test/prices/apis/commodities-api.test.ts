import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commoditiesApi } from '../../../src/prices/index.js';
import { describeRefusals, PAGES } from './refusals.js';
import { contextOf, rejection, scriptedApi } from '../scripted-api.js';

const KEY = 'test-key/+&0123';
const context = contextOf(KEY);
let api: Awaited<ReturnType<typeof scriptedApi>>;

beforeAll(async () => {
  api = await scriptedApi({});
});
beforeEach(() => {
  api.urls.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

const rates = (more: object) => ({ success: true, timestamp: 1_711_028_580, base: 'USD', rates: more });

describe('commoditiesApi: the price', () => {
  it.each([
    ['wrapped in data', { data: { ...rates({ XAU: 0.0005 }), unit: 'per barrel for Oil, per ounce for Metals' } }],
    ['bare', rates({ XAU: 0.0005 })],
  ])('is read %s', async (_, body) => {
    api.answer({ body });

    const quote = await commoditiesApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);

    expect(quote).toMatchObject({ price: 2000, direction: 'inverted', source: 'commodities-api' });
    expect(quote.timestamp).toBe(1_711_028_580_000);
    expect(api.urls).toEqual([`/api/latest?access_key=${encodeURIComponent(KEY)}&base=USD&symbols=XAU`]);
  });

  it.each(['XRH', 'XCU', 'LME-XCU', 'LBMA-XAU'])('of %s is asked for', async (metal) => {
    api.answer({ body: { data: rates({ [metal]: 0.001 }) } });
    expect((await commoditiesApi({ baseUrl: api.baseUrl }).fetchPrice(metal, context)).price).toBe(1000);
  });

  it.each(['BRENTOIL', 'WHEAT', 'NG'])('of %s, which is not sold by the ounce, is not asked for', async (symbol) => {
    const error = await rejection(commoditiesApi({ baseUrl: api.baseUrl }).fetchPrice(symbol, context));
    expect(error).toMatchObject({ kind: 'bad-request', message: expect.stringContaining('`XAU`') });
    expect(api.urls).toEqual([]);
  });
});

const failure = (code: number) => ({ data: { success: false, error: { code, type: 'words', info: 'words' } } });

describeRefusals(commoditiesApi, [
  ...PAGES,
  ['code 101', 200, failure(101), 'key-rejected'],
  ['code 102', 200, failure(102), 'key-rejected'],
  ['code 104', 200, failure(104), 'quota'],
  ['code 105', 200, failure(105), 'plan'],
  ['code 106', 200, failure(106), 'transient'],
  ['code 201', 200, failure(201), 'bad-request'],
  ['code 403, which is no status', 200, failure(403), 'bad-request'],
  ['code 505, which is no status', 200, failure(505), 'bad-request'],
  ['a code outside of data', 200, { error: { code: 101 } }, 'key-rejected'],
]);
