import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiNinjas } from '../../../src/prices/index.js';
import { describeRefusals, PAGES } from './refusals.js';
import { contextOf, rejection, scriptedApi } from '../scripted-api.js';

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
    api.answer({ body: { price, updated: 1_711_028_580 } });

    const quote = await apiNinjas({ baseUrl: api.baseUrl }).fetchPrice(metal, context);

    expect(quote).toMatchObject({ metal, price, timestamp: 1_711_028_580_000, source: 'api-ninjas' });
    expect(api.urls).toEqual([path]);
  });

  it.each([{ metal: 'XAU', currency: 'EUR' }, { metal: 'XRH' }, { metal: 'GOLD' }])(
    '%j is not asked for',
    async (query) => {
      const error = await rejection(apiNinjas({ baseUrl: api.baseUrl }).fetchPrice(query, context));
      expect(error).toMatchObject({ kind: 'bad-request', retryable: false });
      expect((error as Error).message).toMatch(/USD|XAU, XAG, XPT, XPD/);
      expect(api.urls).toEqual([]);
    },
  );

  it('has no `fetchPrices`: one request answers one price', () => {
    expect(apiNinjas()).not.toHaveProperty('fetchPrices');
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
