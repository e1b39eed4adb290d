import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { goldApi } from '../../../src/prices/index.js';
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

const quote = (more: object = {}) => ({
  body: { timestamp: RECENT, metal: 'XAU', currency: 'USD', price: 2199.5, bid: 2199, ask: 2200, ...more },
});

describe('goldApi: the price', () => {
  it('asks for metal and currency in the path', async () => {
    api.answer(quote({ metal: 'XPT', currency: 'EUR', price: 800, bid: 799, ask: 801 }));
    await goldApi({ baseUrl: api.baseUrl, currency: 'EUR' }).fetchPrice('XPT', context);
    expect(api.urls).toEqual(['/api/XPT/EUR']);
  });

  it('comes with bid, ask and the time in milliseconds', async () => {
    api.answer(quote());
    expect(await goldApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context)).toMatchObject({
      ...{ price: 2199.5, bid: 2199, ask: 2200, timestamp: RECENT * 1000, direction: 'direct', source: 'goldapi' },
    });
  });

  it('may be written as strings, and the time in milliseconds', async () => {
    api.answer(quote({ price: '2199.50', bid: '2199', ask: null, timestamp: String(RECENT * 1000) }));
    const read = await goldApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);
    expect(read).toMatchObject({ price: 2199.5, bid: 2199, timestamp: RECENT * 1000 });
    expect(read).not.toHaveProperty('ask');
  });

  it.each([
    ['of another metal', { metal: 'XAG' }],
    ['in another currency', { currency: 'EUR' }],
    ['in an unknown unit', { unit: 'bar' }],
    ['with bid above ask', { bid: 2201, ask: 2200 }],
    ['per gram beside a bid per ounce', { price: 220, bid: 2199, ask: 2200 }],
    ['above twice its ask', { price: 4500, bid: 2199, ask: 2200 }],
    ['with a bid of zero', { bid: 0 }],
    ['with an ask that is no number', { ask: 'n/a' }],
  ])('%s is implausible', async (_, more) => {
    api.answer(quote(more));
    const error = await rejection(goldApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context));
    expect(error).toMatchObject({ kind: 'implausible', retryable: false });
  });

  it('per gram, if it says so, is converted with its bid and ask', async () => {
    api.answer(quote({ unit: 'gram', price: 70, bid: 69, ask: 71 }));
    const read = await goldApi({ baseUrl: api.baseUrl, unit: 'gram' }).fetchPrice('XAU', context);
    expect([read.price, read.bid, read.ask].map((one) => one?.toFixed(9))).toEqual(
      [70, 69, 71].map((n) => n.toFixed(9)),
    );
  });

  it('a little outside of bid and ask is the last trade, and taken', async () => {
    api.answer(quote({ price: 2205 }));
    expect((await goldApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context)).price).toBe(2205);
  });
});

describeRefusals(goldApi, [
  ...PAGES,
  // Where no body says otherwise a 403 may be a firewall's.
  ['a page', 403, '<html>words</html>', 'plan'],
  ['bare words', 403, { error: 'Invalid API Key' }, 'key-rejected'],
  ['words that say nothing', 403, { error: 'words' }, 'key-rejected'],
  ['no words at all', 403, {}, 'key-rejected'],
  ['the documented shape', 401, { error: 'Unauthorized', message: 'words', statusCode: 401 }, 'key-rejected'],
  ['a reason beside the status in words', 403, { error: 'Forbidden', message: 'Monthly quota exceeded' }, 'quota'],
  ['a reason beside the status in words', 400, { error: 'Bad Request', message: 'Invalid API Key' }, 'key-rejected'],
  ['a volume used up', 403, { error: 'Monthly API quota exceeded. Upgrade' }, 'quota'],
  ['a volume used up', 429, { error: 'Quota exceeded' }, 'quota'],
  ['a plan', 403, { error: 'Upgrade your plan to use this' }, 'plan'],
  ['throttling', 403, { error: 'Too many requests' }, 'rate-limited'],
  ['throttling', 429, { error: 'words' }, 'rate-limited'],
  ['throttling', 429, { error: 'Limit exceeded, upgrade your plan' }, 'rate-limited'],
  ['a volume used up', 403, { error: 'API request limit exceeded' }, 'quota'],
  ['an unknown pair', 404, { error: 'No data available for this date or pair.' }, 'bad-request'],
  ['an unknown pair', 200, { error: 'No data available for this date or pair.' }, 'bad-request'],
  ['a bad request', 400, { error: 'Bad Request', message: 'words', statusCode: 400 }, 'bad-request'],
  ['a failing server', 500, { error: 'Invalid API Key' }, 'transient'],
]);
