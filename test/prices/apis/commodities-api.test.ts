import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commoditiesApi } from '../../../src/prices/index.js';
import { describeRefusals, PAGES } from './refusals.js';
import { contextOf, RECENT, rejection, scriptedApi } from '../scripted-api.js';

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

const rates = (more: object) => ({ success: true, timestamp: RECENT, base: 'USD', rates: more });

describe('commoditiesApi: the price', () => {
  it.each([
    ['wrapped in data', { data: { ...rates({ XAU: 0.0005 }), unit: 'per barrel for Oil, per ounce for Metals' } }],
    ['bare', rates({ XAU: 0.0005 })],
  ])('is read %s', async (_, body) => {
    api.answer({ body });

    const quote = await commoditiesApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);

    expect(quote).toMatchObject({ price: 2000, direction: 'inverted', source: 'commodities-api' });
    expect(quote.timestamp).toBe(RECENT * 1000);
    expect(api.urls).toEqual([`/api/latest?access_key=${encodeURIComponent(KEY)}&base=USD&symbols=XAU`]);
  });

  it.each(['XRH', 'LME-XCU', 'LME-ALU-3M', 'XCU3M', 'LBMA-XAU', 'LBMA-XPT-PM', 'LBXAG'])(
    'of %s is one per troy ounce',
    async (metal) => {
      api.answer({ body: { data: rates({ [metal]: 0.001 }) } });
      const quote = await commoditiesApi({ baseUrl: api.baseUrl }).fetchPrice(metal, context);
      expect(quote).toMatchObject({ metal, price: 1000, unit: 'troy_ounce' });
    },
  );

  it.each([
    ['XCU', { XCU: 'per lb' }, 453.59237],
    ['XCU', { XCU: 'per pound', XAU: 'per ounce' }, 453.59237],
    ['ALU', { ALU: 'per metric ton' }, 1_000_000],
    ['ZNC', 'per kg', 1000],
    ['NI', 'per troy ounce', 31.1034768],
    ['XAU', { XAU: 'per gram' }, 1],
    ['XAU', 'per ounce', 31.1034768],
    ['LME-XCU', 'per tonne', 1_000_000],
  ])('of %s with the unit %j is converted', async (metal, unit, grams) => {
    api.answer({ body: { data: { ...rates({ [`USD${metal}`]: 10 * grams }), unit } } });
    const adapter = commoditiesApi({ baseUrl: api.baseUrl, unit: 'gram' });
    expect((await adapter.fetchPrice(metal, context)).price).toBeCloseTo(10, 9);
  });

  it.each([
    ['XCU', undefined],
    ['XCU', 'per ounce'],
    ['ALU', { XAU: 'per ounce' }],
    ['NI', 'per ton'],
    ['IRON', 'per dry metric ton unit'],
    ['XAU', 'per barrel'],
    ['XAU', { XAU: 'per 100 oz' }],
    ['XAU', 7],
  ])('of %s with the unit %j is refused: it is not clear', async (metal, unit) => {
    api.answer({ body: { data: { ...rates({ [`USD${metal}`]: 2000 }), unit } } });
    const error = await rejection(commoditiesApi({ baseUrl: api.baseUrl }).fetchPrice(metal, context));
    expect(error).toMatchObject({ kind: 'implausible', retryable: false, message: expect.stringContaining('unit') });
  });

  it.each(['BRENTOIL', 'WHEAT', 'NG'])('of %s, which is no metal, is not asked for', async (symbol) => {
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
