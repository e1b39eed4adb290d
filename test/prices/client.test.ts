import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GoldDataClient } from '../../src/core/index.js';
import { metalsApi, type PriceApiErrorKind, type Quote } from '../../src/prices/index.js';
import { startFakePriceApi, type FakePriceApi, type PriceFault } from '../../src/testing/fake-price-api/server.js';
import { memoryKeyProvider } from '../../src/testing/memory-provider.js';
import { contextOf, RECENT, rejection, scriptedApi } from './scripted-api.js';

const KEY = 'test-key-one-0123';
const NEXT = 'test-key-two-0123';
let api: FakePriceApi;

beforeEach(async () => {
  api = await startFakePriceApi({ keys: [KEY] });
});
afterEach(() => api.close());

describe('metalsApi in a client', () => {
  it('spreads into its options; a plain symbol, a query and several are answered', async () => {
    await using gold = new GoldDataClient({
      keyProvider: memoryKeyProvider({ current: KEY }),
      ...metalsApi({ baseUrl: api.url }),
    });

    const quote: Quote = await gold.getPrice();
    const euro = await gold.getPrice({ metal: 'XAG', currency: 'EUR' });
    const several = await gold.getPrices(['XAU', 'XPT']);

    expect(quote).toMatchObject({ metal: 'XAU', price: 2199.5135616442817, direction: 'direct' });
    expect(euro.price).toBeCloseTo(25.34 / 1.0866, 6);
    expect(several.map(({ metal }) => metal)).toEqual(['XAU', 'XPT']);
    expect(api.calls).toHaveLength(3);
  });

  it('a refusal under HTTP 200 is repaired with the key that has taken its place', async () => {
    const good = { success: true, timestamp: RECENT, base: 'USD', rates: { USDXAU: 2000 } };
    const refused = { success: false, error: { code: 101, type: 'invalid_access_key', info: 'words' } };
    await using scripted = await scriptedApi((request, response) => {
      response.end(JSON.stringify(request.url?.includes(NEXT) === true ? good : refused));
    });
    const keyProvider = memoryKeyProvider({ current: KEY });
    await using gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: scripted.baseUrl }) });
    await gold.prefetch();
    keyProvider.set('current', NEXT);

    const quote = await gold.getPrice('XAU');

    expect(quote.price).toBe(2000);
    expect(scripted.urls).toHaveLength(2);
    expect(gold.status().counts).toMatchObject({ rejections: 1, repairs: 1, loads: 2 });
  });

  it('a passing fault is retried and a lasting one is not', async () => {
    const retry = { retries: 1, minTimeout: 0, maxTimeout: 1 };
    await using gold = new GoldDataClient({
      keyProvider: memoryKeyProvider({ current: KEY }),
      ...metalsApi({ baseUrl: api.url }),
      retry,
    });

    api.inject('http-503');
    await gold.getPrice('XAU');
    expect(api.calls.map(({ status }) => status)).toEqual([503, 200]);

    api.inject('quota');
    await expect(gold.getPrice('XAU')).rejects.toMatchObject({ kind: 'quota' });
    expect(api.calls).toHaveLength(3);
  });
});

describe('each fault of the fake price API', () => {
  const cases: [PriceFault, PriceApiErrorKind][] = [
    ['http-500', 'transient'],
    ['http-503', 'transient'],
    ['rate-limited', 'rate-limited'],
    ['quota', 'quota'],
    ['plan', 'plan'],
    ['reset', 'transient'],
    ['malformed', 'transient'],
    ['implausible', 'implausible'],
    ['huge', 'implausible'],
  ];

  it.each(cases)('%s is of the kind %s', async (fault, kind) => {
    api.inject(fault, { retryAfter: 3_000 });

    const error = await rejection(metalsApi({ baseUrl: api.url }).fetchPrice('XAU', contextOf(KEY)));

    expect(error).toMatchObject({ kind, source: 'metals-api' });
    if (kind === 'rate-limited') expect(error).toMatchObject({ retryAfter: 3_000 });
  });

  it('a key it does not know, or knows no more, is refused', async () => {
    api.revoke(KEY);
    const { fetchPrice, isKeyRejected } = metalsApi({ baseUrl: api.url });
    for (const key of [KEY, NEXT]) {
      const error = await rejection(fetchPrice('XAU', contextOf(key)));
      expect(error).toMatchObject({ kind: 'key-rejected', status: 401 });
      expect(isKeyRejected({ error })).toBe(true);
    }
  });

  it('slow ends with the signal', async () => {
    api.inject('slow');
    const signal = AbortSignal.timeout(50);
    const error = await rejection(metalsApi({ baseUrl: api.url }).fetchPrice('XAU', contextOf(KEY, signal)));
    expect(error).toBe(signal.reason);
  });
});
