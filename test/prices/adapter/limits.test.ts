import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GoldDataClient } from '../../../src/core/index.js';
import { goldApi, metalsApi, metalsDev, type PriceApi, type PriceApiOptions } from '../../../src/prices/index.js';
import { memoryKeyProvider } from '../../../src/testing/memory-provider.js';
import { contextOf, rejection, scriptedApi } from '../scripted-api.js';

const context = contextOf('test-key-0123');
let api: Awaited<ReturnType<typeof scriptedApi>>;

beforeAll(async () => {
  api = await scriptedApi({});
});
beforeEach(() => {
  vi.useRealTimers();
});
afterAll(() => api[Symbol.asyncDispose]());

const gold = (price: number, at = Date.now()) => ({
  body: { success: true, timestamp: at / 1000, base: 'USD', rates: { USDXAU: price } },
});

describe('options of a price API', () => {
  const refused: [PriceApiOptions, RegExp][] = [
    [{ baseURL: 'https://x' } as never, /`baseURL`; did you mean `baseUrl`/],
    [{ baseUrl: 'metals-api.com' }, /`baseUrl` must be an absolute URL/],
    [{ baseUrl: 'http://metals-api.com/api' }, /`https:`/],
    [{ baseUrl: 'http://127.0.0.1.example.com/' }, /`https:`/],
    [{ baseUrl: 'ftp://127.0.0.1/' }, /`https:`/],
    [{ baseUrl: 'https://user:secret@metals-api.com/' }, /no user/],
    [{ baseUrl: 'https://metals-api.com/?access_key=secret' }, /no user, query/],
    [{ baseUrl: 5 as never }, /`baseUrl` must be a string/],
    [{ currency: 'usd' }, /`currency`/],
    [{ unit: 'ounce' as never }, /`unit` must be one of troy_ounce, gram/],
    [{ maxAge: 0 }, /`maxAge`/],
    [{ maxAge: NaN }, /`maxAge`/],
    [{ maxAge: -Infinity }, /`maxAge`/],
    [{ maxChange: NaN }, /`maxChange`/],
    [{ maxChange: 0 }, /`maxChange` must be a fraction above 0/],
    [{ maxChange: '1' as never }, /`maxChange`/],
    [{ bounds: [] as never }, /`bounds`/],
    [{ bounds: { XAU: [5, 1] } as const }, /`bounds.XAU`/],
    [{ bounds: { XAU: [1] as never } }, /`bounds.XAU`/],
    [{ bounds: { gold: [200, 5_000] } }, /`bounds` must have symbols of metals as keys, e.g. `XAU`, got `gold`/],
    [{ maxBodySize: 0 }, /`maxBodySize`/],
    [{ dispatcher: {} }, /`dispatcher` must be an undici Dispatcher/],
    [{ fetch: 'x' as never }, /`fetch` must be a function/],
    [{ fetch, dispatcher: { request() {} } }, /exclude each other/],
  ];
  it.each(refused)('%j is refused when the adapter is made', (options, message) => {
    expect(() => metalsApi(options)).toThrowError(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(message) }),
    );
    expect(() => metalsApi(options)).not.toThrowError(/secret/);
  });

  it.each([
    'http://localhost:1/api',
    'http://[::1]/',
    'http://127.9.9.9/',
    'http://2130706433/',
    'https://metals-api.com',
  ])('%s is an address the key may go to', (baseUrl) => {
    expect(() => metalsApi({ baseUrl })).not.toThrow();
  });

  it('are read once: changing the object later changes nothing', async () => {
    api.answer(gold(2000));
    const bounds: Record<string, [number, number]> = { XAU: [1, 5000] };
    const options = { baseUrl: api.baseUrl, bounds };
    const { fetchPrice } = metalsApi(options);

    bounds['XAU'] = [1, 2];
    options.baseUrl = 'https://elsewhere.example/';

    expect((await fetchPrice('XAU', context)).price).toBe(2000);
  });
});

describe('limits on a price', () => {
  it('bounds of one’s own replace the default ones', async () => {
    api.answer(gold(90_000));
    const adapter = (bounds?: Record<string, readonly [number, number]>) => metalsApi({ baseUrl: api.baseUrl, bounds });

    expect(await rejection(adapter().fetchPrice('XAU', context))).toMatchObject({
      kind: 'implausible',
      message: 'metals-api gave a price of `XAU` in USD that is outside 200 to 50000 USD per troy ounce.',
    });
    expect((await adapter({ XAU: [200, 100_000] }).fetchPrice('XAU', context)).price).toBe(90_000);
  });

  it.each([1e-320, 1e308])('%d is a price of nothing, in any unit', async (price) => {
    api.answer({ body: { success: true, base: 'USD', rates: { 'USDLME-XCU': price } } });
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl, unit: 'kilogram' });
    expect(await rejection(fetchPrice('LME-XCU', context))).toMatchObject({ kind: 'implausible' });
  });

  it('the price of a London fixing has the limits of its metal', async () => {
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl });
    const rate = (value: number) => ({ body: { success: true, base: 'USD', rates: { 'LBMA-XAU': value } } });
    api.answer(rate(0.0005));
    expect((await fetchPrice('LBMA-XAU', context)).price).toBe(2000);
    api.answer(rate(2000));
    expect(await rejection(fetchPrice('LBMA-XAU', context))).toMatchObject({ kind: 'implausible' });
  });

  it('bounds are in the adapter’s currency, per troy ounce whatever the unit', async () => {
    api.answer({ body: { success: true, base: 'USD', rates: { USDXAU: 2000, JPY: 150 } } });
    const adapter = (max: number) =>
      metalsApi({ baseUrl: api.baseUrl, currency: 'JPY', unit: 'gram', bounds: { XAU: [100_000, max] } });

    expect((await adapter(400_000).fetchPrice('XAU', context)).currency).toBe('JPY');
    expect(await rejection(adapter(200_000).fetchPrice('XAU', context))).toMatchObject({ kind: 'implausible' });
  });

  it('a price older than maxAge is refused, and one without a time, and one from the future', async () => {
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl, maxAge: 60_000 });

    api.answer(gold(2000, Date.now() - 30_000));
    expect((await fetchPrice('XAU', context)).price).toBe(2000);
    api.answer(gold(2000, Date.now() - 90_000));
    expect(await rejection(fetchPrice('XAU', context))).toMatchObject({ kind: 'implausible' });
    api.answer(gold(2000, Date.now() + 3_600_000));
    expect(await rejection(fetchPrice('XAU', context))).toMatchObject({ kind: 'implausible' });
    api.answer({ body: { success: true, base: 'USD', rates: { USDXAU: 2000 } } });
    expect(await rejection(fetchPrice('XAU', context))).toMatchObject({ kind: 'implausible' });
  });

  it('a step over maxChange from the last price accepted is refused', async () => {
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl, maxChange: 0.1 });
    const next = async (price: number): Promise<unknown> => {
      api.answer(gold(price));
      return fetchPrice('XAU', context).then(
        (quote) => quote.price,
        (error: { kind: string }) => error.kind,
      );
    };

    expect([await next(2000), await next(2190), await next(2500), await next(1000), await next(2200)]).toEqual([
      2000,
      2190,
      'implausible',
      'implausible',
      2200,
    ]);
  });
});

describe('limits that need no option', () => {
  const told = async (adapter: PriceApi, price: number, at?: number): Promise<unknown> => {
    api.answer(gold(price, at));
    return adapter.fetchPrice('XAU', context).then(
      (quote) => quote.price,
      (error: { kind: string }) => error.kind,
    );
  };

  it('a change by more than a quarter is refused, and `Infinity` accepts any', async () => {
    const [usual, free] = [
      metalsApi({ baseUrl: api.baseUrl }),
      metalsApi({ baseUrl: api.baseUrl, maxChange: Infinity }),
    ];
    const prices = [2000, 2500, 3126, 633, 2499, 1870];
    const [first, second]: unknown[][] = [[], []];
    for (const price of prices) {
      first?.push(await told(usual, price));
      second?.push(await told(free, price));
    }
    expect(first).toEqual([2000, 2500, 'implausible', 'implausible', 2499, 'implausible']);
    expect(second).toEqual(prices);
  });

  it('a price older than a week is refused, one without a time is not, and `Infinity` accepts any', async () => {
    const [usual, free] = [metalsApi({ baseUrl: api.baseUrl }), metalsApi({ baseUrl: api.baseUrl, maxAge: Infinity })];
    const [now, WEEK] = [Date.now(), 604_800_000];
    expect(await told(usual, 2000, now - WEEK + 60_000)).toBe(2000);
    expect(await told(usual, 2000, now - WEEK - 60_000)).toBe('implausible');
    expect(await told(free, 2000, now - 100 * WEEK)).toBe(2000);
    api.answer({ body: { success: true, base: 'USD', rates: { USDXAU: 2000 } } });
    for (const { fetchPrice } of [usual, free]) expect((await fetchPrice('XAU', context)).price).toBe(2000);
  });

  it('a price from more than five minutes ahead is refused', async () => {
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl });

    api.answer(gold(2000, Date.now() + 240_000));
    expect((await fetchPrice('XAU', context)).price).toBe(2000);
    api.answer(gold(2000, Date.now() + 360_000));
    expect(await rejection(fetchPrice('XAU', context))).toMatchObject({
      kind: 'implausible',
      retryable: false,
      message: 'metals-api gave a price of `XAU` in USD that has a time ahead of this clock.',
    });
  });

  it.each([
    ['EUR', 2000, true],
    ['JPY', 330_000, true],
    ['KWD', 680, true],
    ['IRR', 92_000_000, true],
    ['EUR', 1 / 2000, false],
    ['JPY', 1 / 330_000, false],
    ['EUR', 1e12, false],
  ])('in %s, where nobody tells of dollars, %d is plausible: %s', async (currency, price, plausible) => {
    api.answer({ body: { price, currency } });
    const asked = goldApi({ baseUrl: api.baseUrl, currency }).fetchPrice('XAU', context);
    if (plausible) expect((await asked).price).toBe(price);
    else expect(await rejection(asked)).toMatchObject({ kind: 'implausible' });
  });

  it('a currency dearer than any of a state needs bounds', async () => {
    api.answer({ body: { price: 0.03, currency: 'BTC' } });
    const options = { baseUrl: api.baseUrl, currency: 'BTC' };
    expect(await rejection(goldApi(options).fetchPrice('XAU', context))).toMatchObject({ kind: 'implausible' });
    const bounded = goldApi({ ...options, bounds: { XAU: [0.01, 1] } });
    expect((await bounded.fetchPrice('XAU', context)).price).toBe(0.03);
  });
});

describe('maxChange', () => {
  const NOON = Date.parse('2026-11-20T12:00:00Z');
  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOON });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Asks at `at` (ms after noon) while the API says `price`, and tells what came of it. */
  const asking = () => {
    let price = 0;
    const fetch = (): Promise<Response> => Promise.resolve(new Response(JSON.stringify({ price })));
    const { fetchPrice } = goldApi({ fetch: fetch as typeof globalThis.fetch, maxChange: 0.1 });
    return async (at: number, next: number): Promise<unknown> => {
      vi.setSystemTime(NOON + at);
      price = next;
      return fetchPrice('XAU', context).then(
        (quote) => quote.price,
        (error: { kind: string }) => error.kind,
      );
    };
  };

  it('a level the API keeps to for an hour is believed, and the old one then is the step', async () => {
    const ask = asking();
    const told = [await ask(0, 2000), await ask(MINUTE, 2600), await ask(30 * MINUTE, 2650)];
    told.push(await ask(HOUR, 2600), await ask(HOUR + MINUTE, 2610), await ask(HOUR + 2 * MINUTE, 2000));
    expect(told).toEqual([2000, 'implausible', 'implausible', 'implausible', 2610, 'implausible']);
  });

  it('a level that comes and goes starts its hour again', async () => {
    const ask = asking();
    const told = [await ask(0, 2000), await ask(MINUTE, 2600), await ask(30 * MINUTE, 2010)];
    told.push(await ask(HOUR + 2 * MINUTE, 2600), await ask(2 * HOUR, 5000), await ask(2 * HOUR + 30 * MINUTE, 2600));
    told.push(await ask(3 * HOUR + 20 * MINUTE, 2600), await ask(3 * HOUR + 30 * MINUTE, 2600));
    expect(told).toEqual([
      ...[2000, 'implausible', 2010, 'implausible', 'implausible', 'implausible'],
      ...['implausible', 2600],
    ]);
  });

  it('after a day without a price any level is taken, and a clock set back by less counts for nothing', async () => {
    const ask = asking();
    expect([await ask(0, 2000), await ask(-HOUR, 2600), await ask(24 * HOUR - 1, 5200)]).toEqual([
      2000,
      'implausible',
      'implausible',
    ]);
    expect(await ask(24 * HOUR, 2600)).toBe(2600);
  });

  it('an hour that began on a clock ahead of time begins again', async () => {
    const ask = asking();
    expect([await ask(0, 2000), await ask(20 * HOUR, 2600), await ask(MINUTE, 2600)]).toEqual([
      2000,
      'implausible',
      'implausible',
    ]);
    expect(await ask(HOUR + MINUTE, 2600)).toBe(2600);
  });

  it('is of one metal in one currency, and of one adapter', async () => {
    const ask = asking();
    expect(await ask(0, 2000)).toBe(2000);
    expect(await ask(1, 4000)).toBe('implausible');
    expect(await asking()(2, 4000)).toBe(4000);
  });

  it('a batch of which one price is refused leaves no last price behind', async () => {
    let rates: object = {};
    const fetch = (): Promise<Response> =>
      Promise.resolve(new Response(JSON.stringify({ success: true, base: 'USD', rates })));
    const { fetchPrice, fetchPrices } = metalsApi({ fetch: fetch as typeof globalThis.fetch, maxChange: 0.1 });
    const batch = (): Promise<unknown> => fetchPrices?.(['XAU', 'XAG'], context) as Promise<unknown>;

    rates = { USDXAU: 2000, USDXAG: 1e6 };
    expect(await rejection(batch())).toMatchObject({ kind: 'implausible', message: expect.stringContaining('XAG') });
    rates = { USDXAU: 4000, USDXAG: 25 };
    await batch();
    expect((await fetchPrice('XAU', context)).price).toBe(4000);
    rates = { USDXAU: 2000, USDXAG: 25 };
    expect(await rejection(batch())).toMatchObject({ kind: 'implausible' });
  });

  it('a batch in two requests of which the second fails leaves none behind either', async () => {
    const prices: Record<string, number> = { USD: 2000, EUR: 1e9 };
    const fetch = (url: unknown): Promise<Response> => {
      const currency = new URL(String(url)).searchParams.get('currency') ?? '';
      return Promise.resolve(new Response(JSON.stringify({ status: 'success', metals: { gold: prices[currency] } })));
    };
    const { fetchPrice, fetchPrices } = metalsDev({
      fetch: fetch as typeof globalThis.fetch,
      maxChange: 0.1,
      currency: 'EUR',
      bounds: { XAU: [100, 10_000] },
    });
    const dollars = { metal: 'XAU', currency: 'USD' };

    expect(await rejection(fetchPrices?.([dollars, 'XAU'], context) as Promise<unknown>)).toMatchObject({
      kind: 'implausible',
    });
    prices['USD'] = 4000;
    expect((await fetchPrice(dollars, context)).price).toBe(4000);
  });
});

it('an implausible price is one request with the default retries of a client', async () => {
  api.answer(gold(2));
  const sent = api.urls.length;
  const keyProvider = memoryKeyProvider({ current: 'test-key-0123' });
  await using client = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: api.baseUrl }) });

  expect(await rejection(client.getPrice('XAU'))).toMatchObject({ kind: 'implausible' });

  expect(api.urls).toHaveLength(sent + 1);
  expect(keyProvider.loads).toBe(1);
});
