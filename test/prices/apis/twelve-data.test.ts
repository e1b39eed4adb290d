import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { twelveData } from '../../../src/prices/index.js';
import { describeRefusals, PAGES } from './refusals.js';
import { contextOf, RECENT, rejection, scriptedApi } from '../scripted-api.js';

const MIDNIGHT = RECENT - (RECENT % 86_400);
const context = contextOf('test-key-0123');
let api: Awaited<ReturnType<typeof scriptedApi>>;

beforeAll(async () => {
  api = await scriptedApi({});
});
beforeEach(() => {
  api.urls.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

const quote = (symbol: string, close: unknown, more: object = {}) => ({
  ...{ symbol, timestamp: MIDNIGHT, last_quote_at: RECENT, close, ...more },
});
const failure = (code: number, message = 'words') => ({ code, message, status: 'error' });
const MINUTE = 'You have run out of API credits for the current minute. Wait for the next minute, or upgrade your plan';
const DAY = 'You have run out of API credits for the day. Wait for the next day, or upgrade your plan';

describe('twelveData: the price', () => {
  it('asks for pairs, each once, in one request', async () => {
    api.answer({ body: { 'XAU/USD': quote('XAU/USD', '2199.50000'), 'XAG/EUR': quote('XAG/EUR', '23.3') } });
    const asked = ['XAU', { metal: 'XAG', currency: 'EUR' }, 'XAU'];

    const quotes = await twelveData({ baseUrl: api.baseUrl }).fetchPrices?.(asked, context);

    expect(quotes?.map(({ metal, price }) => [metal, price])).toEqual([
      ['XAU', 2199.5],
      ['XAG', 23.3],
      ['XAU', 2199.5],
    ]);
    expect(api.urls).toEqual(['/api/quote?symbol=XAU%2FUSD,XAG%2FEUR']);
  });

  it.each([
    ['the minute of the quote', quote('XAU/USD', '2199.5'), RECENT * 1000],
    ['else the day’s candle', quote('XAU/USD', '2199.5', { last_quote_at: null }), MIDNIGHT * 1000],
  ])('its time is %s', async (_, body, timestamp) => {
    api.answer({ body });
    expect(await twelveData({ baseUrl: api.baseUrl }).fetchPrice('XAU', context)).toMatchObject({ timestamp });
  });

  it('a bare price is one when nothing else was asked for', async () => {
    api.answer({ body: { price: '2199.5' } });
    const { fetchPrice, fetchPrices } = twelveData({ baseUrl: api.baseUrl });
    expect((await fetchPrice('XAU', context)).price).toBe(2199.5);
    expect(await rejection(fetchPrices?.(['XAU', 'XAG'], context) as Promise<unknown>)).toMatchObject({
      kind: 'bad-request',
    });
  });

  it.each([{ currency: 'EUR' }, { unit: 'barrel' }, { currency_unit: 'GBX' }])(
    'that says %j is implausible',
    async (more) => {
      api.answer({ body: quote('XAU/USD', '2199.5', more) });
      expect(await rejection(twelveData({ baseUrl: api.baseUrl }).fetchPrice('XAU', context))).toMatchObject({
        kind: 'implausible',
      });
    },
  );

  it('of another symbol is implausible', async () => {
    api.answer({ body: quote('XAG/USD', '2199.5') });
    expect(await rejection(twelveData({ baseUrl: api.baseUrl }).fetchPrice('XAU', context))).toMatchObject({
      kind: 'implausible',
    });
  });

  it.each([
    ['an unknown pair, by its name', failure(404), 'bad-request', /`XAG\/USD`/],
    ['credits', failure(429, MINUTE), 'rate-limited', /throttling/],
    ['the day’s credits', failure(429, DAY), 'quota', /used up/],
    ['a key refused', failure(401), 'key-rejected', /refused the API key/],
    ['a failing server', failure(500), 'transient', /for the moment/],
    ['a member left out', undefined, 'bad-request', /`XAG\/USD`/],
  ] as const)('one of several that fails fails them all: %s', async (_, member, kind, message) => {
    api.answer({ body: { 'XAU/USD': quote('XAU/USD', '2199.5'), 'XAG/USD': member } });
    const asked = twelveData({ baseUrl: api.baseUrl }).fetchPrices?.(['XAU', 'XAG'], context);
    const error = await rejection(asked as Promise<unknown>);
    expect(error).toMatchObject({ kind, status: 200, message: expect.stringMatching(message) });
    expect((error as Error).message).not.toMatch(/words|credits/);
  });
});

describeRefusals(twelveData, [
  ...PAGES,
  ['a bad key', 200, failure(401, '**apikey** parameter is incorrect or not specified. words'), 'key-rejected'],
  ['a bad key', 401, failure(401), 'key-rejected'],
  ['a plan', 200, failure(403), 'plan'],
  ['a plan', 403, failure(403, 'is available with a higher plan, upgrade'), 'plan'],
  ['a pair of a higher plan', 200, failure(404, 'available starting with the Grow plan. Upgrade'), 'plan'],
  ['the minute’s credits', 200, failure(429, MINUTE), 'rate-limited'],
  ['the minute’s credits', 429, failure(429, MINUTE), 'rate-limited'],
  ['the day’s credits', 200, failure(429, DAY), 'quota'],
  ['the day’s credits', 429, failure(429, DAY), 'quota'],
  ['the day’s credits', 429, failure(429, 'You have run out of API credits for the current day. words'), 'quota'],
  ['the day’s credits', 200, failure(429, 'words of your daily limit'), 'quota'],
  ['the month’s credits', 429, failure(429, 'words for the current month'), 'quota'],
  ['the year’s credits', 429, failure(429, 'words per year'), 'quota'],
  ['an unknown pair', 200, failure(404, '**symbol** parameter is missing or invalid words'), 'bad-request'],
  ['an unknown pair', 404, failure(404), 'bad-request'],
  ['a bad parameter', 200, failure(400), 'bad-request'],
  ['a failing server', 200, failure(500), 'transient'],
  ['an error without code', 200, { status: 'error' }, 'bad-request'],
  ['an error without code', 429, { status: 'error' }, 'rate-limited'],
]);
