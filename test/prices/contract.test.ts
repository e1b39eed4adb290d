import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPriceApi } from '../../src/cli/options/price-api.js';
import { PRICE_APIS, findPriceApiName, type PriceApiName } from '../../src/prices/apis/names.js';
import { GoldDataClient, KeyRejectedError } from '../../src/core/index.js';
import { PriceApiError, type PriceApi, type PriceApiErrorKind, type PriceApiOptions } from '../../src/prices/index.js';
import { assertNoSecret } from '../../src/testing/assert-no-secret.js';
import { USD_PRICES } from '../../src/testing/fake-price-api/types.js';
import { startFakePriceApi, type FakePriceApi, type PriceFault } from '../../src/testing/fake-price-api/server.js';
import { memoryKeyProvider } from '../../src/testing/memory-provider.js';
import { APIS } from './apis.js';
import { fractionOf, isNearest } from './rational.js';
import { contextOf, rejection, scriptedApi } from './scripted-api.js';

const KEY = 'contract-key/+&=0123';
const NEXT = 'contract-key-two-4567';
const METALS = ['XAU', 'XAG', 'XPT', 'XPD'] as const;
const RETRY = { retries: 2, minTimeout: 0, maxTimeout: 1 };
const dollars = (symbol: string): number => USD_PRICES.get(symbol) ?? Number.NaN;

it.each([
  ['metalsApi', 'metals-api'],
  ['commoditiesApi', 'commodities-api'],
  ['metal-price-api', 'metalpriceapi'],
  ['goldapi.io', 'goldapi'],
  ['gold-api', 'goldapi'],
  ['metals.dev', 'metals-dev'],
  ['API Ninjas', 'api-ninjas'],
  ['twelvedata', 'twelve-data'],
  ['gold-api.com', undefined],
  ['', undefined],
])('%j names %s', (text, name) => {
  expect(findPriceApiName(text)).toBe(name);
});

describe.each(APIS)('$api', ({ api: name, make, address, key, refusal, several, passesOn }) => {
  let fake: FakePriceApi;

  beforeEach(async () => {
    fake = await startFakePriceApi({ api: name, keys: [KEY] });
  });
  afterEach(() => fake.close());

  const clientOf = (keyProvider = memoryKeyProvider({ current: KEY })) => {
    const gold = new GoldDataClient({ keyProvider, ...make({ baseUrl: fake.url }), retry: RETRY });
    return { gold, keyProvider };
  };

  describe('a price', () => {
    it.each(METALS)('of %s is right to the last bit, the right way round, and of now', async (metal) => {
      const quote = await make({ baseUrl: fake.url }).fetchPrice(metal, contextOf(KEY));

      expect(quote).toMatchObject({ metal, currency: 'USD', unit: 'troy_ounce', source: name, direction: 'direct' });
      expect(quote.price).toBe(dollars(metal));
      expect(Math.abs(quote.timestamp - Date.now())).toBeLessThan(120_000);
      expect(fake.calls).toHaveLength(1);
      assertNoSecret(quote, KEY);
    });

    it.each([
      ['gram', 10n ** 7n, 311_034_768n],
      ['kilogram', 10n ** 10n, 311_034_768n],
      ['tola', 3n, 8n],
    ] as const)('per %s is rounded once; bid and ask likewise', async (unit, times, over) => {
      const ounce = await make({ baseUrl: fake.url }).fetchPrice('XAU', contextOf(KEY));
      const quote = await make({ baseUrl: fake.url, unit }).fetchPrice('XAU', contextOf(KEY));

      expect(quote.unit).toBe(unit);
      for (const field of ['price', 'bid', 'ask'] as const) {
        const whole = ounce[field];
        if (whole === undefined) continue;
        const [numerator, denominator] = fractionOf(whole);
        expect(isNearest(quote[field] ?? 0, numerator * times, denominator * over)).toBe(true);
      }
    });

    it('in euros is of that currency', async () => {
      const { fetchPrice } = make({ baseUrl: fake.url, currency: 'EUR' });
      const quote = await fetchPrice('XAG', contextOf(KEY));
      expect(quote).toMatchObject({ metal: 'XAG', currency: 'EUR' });
      expect(quote.price).toBeCloseTo(25.34 / 1.0866, 9);
      expect(fake.calls).toHaveLength(1);
    });

    it.each(['EUR', 'BTC', 'USD', 'XAF', 'XDR', 'xau', 'gold', 'WHEAT', 'constructor', 'XAU ', '', 7, null, {}])(
      'of %j is not asked for: it is no metal',
      async (metal) => {
        const { fetchPrice, fetchPrices } = make({ baseUrl: fake.url });
        const asked = [
          fetchPrice(metal as string, contextOf(KEY)),
          fetchPrice({ metal: metal as string }, contextOf(KEY)),
        ];
        if (fetchPrices !== undefined) asked.push(fetchPrices(['XAU', metal as string], contextOf(KEY)) as never);
        for (const one of asked) {
          const error = await rejection(one);
          expect(error).toMatchObject({ kind: 'bad-request', retryable: false, source: name });
          expect((error as Error).message).toContain('`XAU`, `XAG`, `XPT`, `XPD`, `XRH`');
        }
        expect(fake.calls).toEqual([]);
      },
    );

    it.each(['XAG', 'usd', 'dollar', ''])('in %j is not asked for: it is no currency', async (currency) => {
      const asked = make({ baseUrl: fake.url }).fetchPrice({ metal: 'XAU', currency }, contextOf(KEY));
      expect(await rejection(asked)).toMatchObject({
        kind: 'bad-request',
        message: expect.stringContaining('currency'),
      });
      expect(fake.calls).toEqual([]);
    });

    it('that is a week old is taken, an older one is not, and both limits can be turned off', async () => {
      const now = Date.now();
      const fetchAt = (at: number, more: PriceApiOptions = {}): PriceApi =>
        make({
          baseUrl: fake.url,
          ...more,
          fetch: async (...args) => {
            vi.useFakeTimers({ toFake: ['Date'], now: at });
            try {
              return await fetch(...args);
            } finally {
              vi.useRealTimers();
            }
          },
        });
      const WEEK = 604_800_000;
      const minute = 60_000;

      const taken = await fetchAt(now - WEEK + 10 * minute).fetchPrice('XAU', contextOf(KEY));
      expect(taken.price).toBe(dollars('XAU'));
      const old = now - WEEK - 2 * 86_400_000;
      expect(await rejection(fetchAt(old).fetchPrice('XAU', contextOf(KEY)))).toMatchObject({
        kind: 'implausible',
        message: expect.stringContaining('`maxAge`'),
      });
      expect((await fetchAt(old, { maxAge: Infinity }).fetchPrice('XAU', contextOf(KEY))).price).toBe(dollars('XAU'));
    });

    it(passesOn ? 'of another symbol is the vendor’s to refuse' : 'of another metal is not asked for', async () => {
      const error = await rejection(make({ baseUrl: fake.url }).fetchPrice('XRH', contextOf(KEY)));

      expect(error).toMatchObject({ kind: 'bad-request', retryable: false, source: name });
      expect(fake.calls).toHaveLength(passesOn ? 1 : 0);
      if (passesOn) return;
      expect((error as Error).message).toContain('XAU, XAG, XPT, XPD per troy ounce');
      const batch = make({ baseUrl: fake.url }).fetchPrices?.(['XAU', 'XRH'], contextOf(KEY));
      if (batch !== undefined) expect(await rejection(batch)).toMatchObject({ kind: 'bad-request' });
      expect(fake.calls).toEqual([]);
    });

    it('several take as few requests as the vendor allows, in the order asked for', async () => {
      const { fetchPrices } = make({ baseUrl: fake.url });
      expect(fetchPrices === undefined).toBe(several === 0);
      const { gold } = clientOf();

      const quotes = await gold.getPrices(['XAG', 'XAU', 'XAG']);

      expect(quotes.map(({ metal, price }) => [metal, price])).toEqual(
        ['XAG', 'XAU', 'XAG'].map((metal) => [metal, dollars(metal)]),
      );
      expect(fake.calls).toHaveLength(several === 0 ? 3 : 1);
      if (fetchPrices === undefined) return;

      const mixed = await fetchPrices(['XAU', { metal: 'XAU', currency: 'EUR' }, 'XAG'], contextOf(KEY));
      expect(mixed.map(({ metal, currency }) => `${metal}/${currency}`)).toEqual(['XAU/USD', 'XAU/EUR', 'XAG/USD']);
      expect(mixed[1]?.price).toBeCloseTo(dollars('XAU') / 1.0866, 8);
      expect(fake.calls).toHaveLength(1 + several);
    });
  });

  it('has one name: as a source, to the fake, and on the command line', async () => {
    const named = PRICE_APIS.find((one) => one === name);
    const { fetchPrice } = await createPriceApi({ env: {} }, { api: named as PriceApiName, apiUrl: fake.url });
    expect((await fetchPrice('XAU', contextOf(KEY))).source).toBe(name);
  });

  describe('the key', () => {
    it(`travels in the ${key[0]} \`${key[1]}\` and nowhere else, to the vendor’s address`, async () => {
      const seen: { url: string; headers: IncomingHttpHeaders }[] = [];
      await using scripted = await scriptedApi((request, response) => {
        seen.push({ url: request.url ?? '', headers: request.headers });
        response.end('{}');
      });
      await rejection(make({ baseUrl: scripted.baseUrl }).fetchPrice('XAU', contextOf(KEY)));

      const [{ url, headers } = { url: '', headers: {} }] = seen;
      const [place, field, before = ''] = key;
      const query = new URL(url, 'http://127.0.0.1').searchParams;
      expect(place === 'query' ? query.get(field) : headers[field]).toBe(before + KEY);
      if (place === 'query') query.delete(field);
      else delete headers[field];
      assertNoSecret([...query, headers], KEY);
      if (place === 'header') assertNoSecret(url, KEY);

      const urls: string[] = [];
      const fetch = (target: unknown): Promise<Response> => {
        urls.push(String(target));
        return Promise.reject(new Error('not sent'));
      };
      await rejection(make({ fetch: fetch as typeof globalThis.fetch }).fetchPrice('XAU', contextOf(KEY)));
      expect(urls).toHaveLength(1);
      expect(urls[0]?.startsWith(address)).toBe(true);
    });

    it.each([
      ['unknown', NEXT],
      ['none', ''],
    ])('that is %s is refused as such', async (standing, apiKey) => {
      const { fetchPrice, isKeyRejected, isTransient } = make({ baseUrl: fake.url });

      const error = await rejection(fetchPrice('XAU', contextOf(apiKey)));

      expect(error).toBeInstanceOf(PriceApiError);
      expect(error).toMatchObject({ kind: 'key-rejected', status: refusal, retryable: false, source: name });
      expect([isKeyRejected({ error }), isTransient({ error })]).toEqual([true, false]);
      expect(fake.calls).toMatchObject([{ key: standing, status: refusal }]);
      assertNoSecret(error, NEXT);
    });

    it('that was rotated is replaced with one refusal', async () => {
      const { gold, keyProvider } = clientOf();
      await gold.getPrice('XAU');
      fake.accept(NEXT);
      fake.revoke(KEY);
      keyProvider.set('current', NEXT);

      const quote = await gold.getPrice('XAU');

      expect(quote.price).toBe(dollars('XAU'));
      expect(fake.calls.map((call) => call.key)).toEqual(['live', 'revoked', 'live']);
      expect(gold.status().counts).toMatchObject({ rejections: 1, repairs: 1, loads: 2 });
      await gold.close();
    });

    it('that no reload repairs ends as KeyRejectedError, without the key in it', async () => {
      const { gold } = clientOf();
      fake.revoke(KEY);

      const error = await rejection(gold.getPrice('XAU'));

      expect(error).toBeInstanceOf(KeyRejectedError);
      expect(error).toMatchObject({ cause: { kind: 'key-rejected' } });
      assertNoSecret(error, KEY);
      await gold.close();
    });
  });

  describe('a fault', () => {
    const cases: [PriceFault, PriceApiErrorKind, requests: number][] = [
      ['http-500', 'transient', 3],
      ['http-503', 'transient', 3],
      ['rate-limited', 'rate-limited', 3],
      ['reset', 'transient', 3],
      ['malformed', 'transient', 3],
      ['quota', 'quota', 1],
      ['plan', 'plan', 1],
      ['implausible', 'implausible', 1],
      ['huge', 'implausible', 1],
    ];

    it.each(cases)('%s is of the kind %s, takes %i requests and reloads no key', async (fault, kind, requests) => {
      const { gold, keyProvider } = clientOf();
      fake.inject(fault, { times: Infinity, retryAfter: 0 });

      const error = await rejection(gold.getPrice('XAU'));

      expect(error).toMatchObject({ kind, source: name, retryable: requests > 1 });
      expect(fake.calls).toHaveLength(requests);
      expect(keyProvider.loads).toBe(1);
      expect(gold.status().counts).toMatchObject({ rejections: 0, loads: 1 });
      assertNoSecret(error, KEY);
      await gold.close();
    });

    it.each(METALS)('a price of %s the wrong way round is implausible', async (metal) => {
      fake.inject('implausible', { times: Infinity });
      const { fetchPrice } = make({ baseUrl: fake.url });

      expect(await rejection(fetchPrice(metal, contextOf(KEY)))).toMatchObject({ kind: 'implausible' });
      const query = { metal, currency: 'EUR' };
      expect(await rejection(fetchPrice(query, contextOf(KEY)))).toMatchObject({ kind: 'implausible' });
    });

    it('a throttled call tells how long to wait', async () => {
      fake.inject('rate-limited', { retryAfter: 3_000 });
      const error = await rejection(make({ baseUrl: fake.url }).fetchPrice('XAU', contextOf(KEY)));
      expect(error).toMatchObject({ kind: 'rate-limited', retryAfter: 3_000 });
    });

    it('a call that is never answered ends with the signal', async () => {
      fake.inject('slow');
      const leaving = new AbortController();
      const waiting = rejection(make({ baseUrl: fake.url }).fetchPrice('XAU', contextOf(KEY, leaving.signal)));
      while (fake.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
      leaving.abort();
      expect(await waiting).toBe(leaving.signal.reason);
    });

    it('a path the vendor does not have is a bad request', async () => {
      const adapter = make({ baseUrl: `${fake.url}/elsewhere` });
      expect(await rejection(adapter.fetchPrice('XAU', contextOf(KEY)))).toMatchObject({ kind: 'bad-request' });
    });
  });
});

describe.each(APIS)('$api, when it echoes the key', ({ make, refuses }) => {
  const DIGITS = '1234567890123456';
  const echoes = [KEY, encodeURIComponent(KEY), Buffer.from(KEY).toString('base64'), JSON.stringify(KEY)];
  let api: Awaited<ReturnType<typeof scriptedApi>>;

  beforeAll(async () => {
    api = await scriptedApi({});
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it('no error holds it, in any form', async () => {
    const { fetchPrice } = make({ baseUrl: api.baseUrl });
    for (const echo of echoes) {
      const [status, body] = refuses(`the key ${echo} is not good`);
      api.answer({ status, body });
      const error = await rejection(fetchPrice('XAU', contextOf(KEY)));
      expect(error).toMatchObject({ kind: 'key-rejected' });
      assertNoSecret(error, KEY);

      api.answer({ status: 502, body: `<p>${echo}</p>` });
      assertNoSecret(await rejection(fetchPrice('XAU', contextOf(KEY))), KEY);
    }
  });

  it('no quote holds it, in any form', async () => {
    const { fetchPrice } = make({ baseUrl: api.baseUrl });
    for (const echo of echoes) {
      // As much of an answer as each of them looks at.
      const good = { success: true, base: 'USD', rates: { USDXAU: 2000 }, price: 2000, metals: { gold: 2000 } };
      api.answer({ body: { ...good, [echo]: [echo, { deep: `key=${echo}&x=1` }] } });

      const quote = await fetchPrice('XAU', contextOf(KEY));

      expect(quote.price).toBe(2000);
      expect(JSON.stringify(quote.raw)).toContain('[REDACTED]');
      assertNoSecret(quote, KEY);
    }
  });

  it('a key of digits is not taken for a price or a code', async () => {
    const { fetchPrice } = make({ baseUrl: api.baseUrl, bounds: { XAU: [0, 1e300] } });
    const numbers = {
      ...{ price: Number(DIGITS), close: Number(DIGITS), metals: { gold: Number(DIGITS) }, rates: { USDXAU: DIGITS } },
    };
    for (const body of [numbers, { success: false, status: 'error', error: { code: DIGITS }, code: Number(DIGITS) }]) {
      api.answer({ body });
      assertNoSecret(await rejection(fetchPrice('XAU', contextOf(DIGITS))), DIGITS);
    }
  });
});
