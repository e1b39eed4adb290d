import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { metalsDev } from '../../../src/prices/index.js';
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

const latest = (more: object = {}) => ({
  status: 'success',
  currency: 'USD',
  unit: 'toz',
  metals: { gold: 2199.5, silver: 25.3, platinum: 905.7, palladium: 1012.5 },
  timestamps: { metal: new Date(RECENT * 1000 + 4).toISOString(), currency: new Date(RECENT * 1000).toISOString() },
  ...more,
});

describe('metalsDev: the price', () => {
  it('asks for a currency and troy ounces, and puts the key, encoded, into the query', async () => {
    api.answer({ body: latest({ currency: 'EUR' }) });
    await metalsDev({ baseUrl: api.baseUrl, currency: 'EUR' }).fetchPrice('XAU', context);
    expect(api.urls).toEqual([`/api/latest?api_key=${encodeURIComponent(KEY)}&currency=EUR&unit=toz`]);
  });

  it('goes by the metal’s name, and its time is the metal’s', async () => {
    api.answer({ body: latest() });
    const { fetchPrices } = metalsDev({ baseUrl: api.baseUrl });

    const quotes = await fetchPrices?.(['XPD', 'XAG', 'XPT'], context);

    expect(quotes?.map(({ price }) => price)).toEqual([1012.5, 25.3, 905.7]);
    expect(quotes?.[0]).toMatchObject({ timestamp: RECENT * 1000 + 4, source: 'metals-dev' });
    expect(api.urls).toHaveLength(1);
  });

  it('in several currencies takes a request for each, in the order asked for', async () => {
    api.answer((request, response) => {
      const currency = new URL(request.url ?? '', 'http://127.0.0.1').searchParams.get('currency');
      const gold = { USD: 2200, EUR: 2000, GBP: 1700 }[currency ?? ''];
      response.end(JSON.stringify(latest({ currency, metals: { gold } })));
    });
    const asked = ['EUR', 'USD', 'GBP', 'EUR'].map((currency) => ({ metal: 'XAU', currency }));

    const quotes = await metalsDev({ baseUrl: api.baseUrl }).fetchPrices?.(asked, context);

    expect(quotes?.map(({ currency, price }) => [currency, price])).toEqual([
      ['EUR', 2000],
      ['USD', 2200],
      ['GBP', 1700],
      ['EUR', 2000],
    ]);
    expect(api.urls).toHaveLength(3);
  });

  it.each([
    ['in another currency', latest({ currency: 'EUR' }), 'implausible'],
    ['in another unit', latest({ unit: 'g' }), 'implausible'],
    ['that is no number', latest({ metals: { gold: {} } }), 'implausible'],
    ['that is left out', latest({ metals: { silver: 25 } }), 'bad-request'],
    ['without metals', latest({ metals: null }), 'transient'],
  ])('%s is refused', async (_, body, kind) => {
    api.answer({ body });
    expect(await rejection(metalsDev({ baseUrl: api.baseUrl }).fetchPrice('XAU', context))).toMatchObject({ kind });
  });
});

const failure = (error_message?: string) => ({ status: 'failure', error_code: 1, error_message });

describeRefusals(metalsDev, [
  ...PAGES,
  ['a bad key', 200, failure('Invalid API key. Contact us'), 'key-rejected'],
  ['a bad key', 200, failure('The API Key is not valid'), 'key-rejected'],
  ['no key', 200, failure('API key missing'), 'key-rejected'],
  ['a bad key', 401, failure('words'), 'key-rejected'],
  ['unauthorised', 200, failure('Unauthorized'), 'key-rejected'],
  ['a volume used up', 200, failure('Monthly quota of this API key exceeded'), 'quota'],
  ['a volume used up', 429, failure('Monthly quota exceeded'), 'quota'],
  ['throttling', 429, failure('words'), 'rate-limited'],
  ['throttling', 200, failure('Too many requests'), 'rate-limited'],
  ['a plan', 200, failure('Upgrade your plan for this endpoint'), 'plan'],
  ['words that say nothing', 403, failure('words'), 'plan'],
  ['words that say nothing', 200, failure('words'), 'bad-request'],
  ['no words', 200, failure(), 'bad-request'],
  ['a bad currency', 400, failure('Currency words'), 'bad-request'],
  ['another status', 200, { status: 'error' }, 'bad-request'],
  ['a failing server', 503, failure('Invalid API key'), 'transient'],
  ['code 1101', 200, { status: 'failure', error_code: 1101, error_message: 'words' }, 'key-rejected'],
  ['code 1101', 429, { error: 'Monthly quota', error_code: 1101 }, 'key-rejected'],
  ['code 1203', 200, { status: 'failure', error_code: 1203, error_message: 'words' }, 'quota'],
  ['code 1203', 200, { error: 'words', error_code: 1203 }, 'quota'],
  ['code 1203', 429, { error: 'Too many requests', error_code: '1203' }, 'quota'],
  ['code 1203', 401, { error: 'Unauthorized', error_code: 1203 }, 'quota'],
  ['words in the other field', 200, { error: 'Invalid API key' }, 'key-rejected'],
  ['another code', 200, { error: 'words', error_code: 9 }, 'bad-request'],
]);
