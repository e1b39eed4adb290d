import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { metalPriceApi } from '../../../src/prices/index.js';
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

describe('metalPriceApi: the price', () => {
  it('asks for `currencies`, and turns a lone inverse the right way round', async () => {
    api.answer({ body: { success: true, base: 'USD', timestamp: RECENT, rates: { XAU: 0.0005, EUR: 0.5 } } });

    const quote = await metalPriceApi({ baseUrl: api.baseUrl, currency: 'EUR' }).fetchPrice('XAU', context);

    expect(quote).toMatchObject({ price: 1000, direction: 'inverted', timestamp: RECENT * 1000 });
    expect(api.urls).toEqual(['/api/latest?base=USD&currencies=XAU,EUR']);
  });

  it.each(['XCU', 'ALU', 'ZNC', 'NI', 'XPB', 'IRON', 'XRH', 'LME-XCU', 'LBMA-XAU'])(
    'of %s, whose ounce may be another, is not asked for',
    async (metal) => {
      const error = await rejection(metalPriceApi({ baseUrl: api.baseUrl }).fetchPrice(metal, context));
      expect(error).toMatchObject({ kind: 'bad-request', message: expect.stringContaining('troy ounce') });
      expect(api.urls).toEqual([]);
    },
  );

  it('says of 102 nothing about the account', async () => {
    api.answer({ body: { success: false, error: { statusCode: 102, message: 'words' } } });
    await expect(metalPriceApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context)).rejects.toThrow(
      'metalpriceapi refused the API key (code 102, HTTP 200).',
    );
  });
});

const failure = (statusCode: number, message = 'words') => ({ success: false, error: { statusCode, message } });

describeRefusals(metalPriceApi, [
  ...PAGES,
  ['no key', 200, failure(101, 'User did not supply an API Key'), 'key-rejected'],
  ['a bad key', 200, failure(102), 'key-rejected'],
  ['a bad key', 200, failure(102, 'User did not supply an access key or an invalid access key'), 'key-rejected'],
  ['a bad key', 403, failure(102), 'key-rejected'],
  ['an inactive account', 200, failure(103, "The user's account is not active. Contact"), 'key-rejected'],
  ['throttling', 200, failure(104, 'Too Many Requests'), 'rate-limited'],
  ['throttling, whatever the words', 200, failure(104, 'monthly quota of this API key'), 'rate-limited'],
  ['throttling', 200, failure(104), 'rate-limited'],
  ['a volume used up', 200, failure(105, "reached his subscription plan's monthly API request allowance"), 'quota'],
  ['a volume used up, whatever the words', 200, failure(105, 'Upgrade your plan: invalid API key'), 'quota'],
  ['a volume used up', 403, failure(105), 'quota'],
  ['no key', 403, failure(101, 'Monthly quota'), 'key-rejected'],
  ['an inactive account', 200, failure(103, 'Too Many Requests'), 'key-rejected'],
  ['a bad request, whatever the words', 200, failure(202, 'no such API key'), 'bad-request'],
  ['no results', 200, failure(300, 'Upgrade your plan'), 'bad-request'],
  ['a number that is not documented', 200, failure(106, 'your monthly allowance'), 'quota'],
  ['no number', 200, { success: false, error: { message: 'Your plan does not support this' } }, 'plan'],
  ['a bad base', 200, failure(201), 'bad-request'],
  ['a bad symbol', 200, failure(202), 'bad-request'],
  ['a number that is no status', 200, failure(404), 'bad-request'],
  ['a number that is no status', 200, failure(501), 'bad-request'],
]);
