import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { metalsApi, type PriceApiOptions } from '../../src/prices.js';
import { contextOf, rejection, scriptedApi } from './scripted-api.js';

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
    [{ maxChange: 0 }, /`maxChange` must be a fraction above 0/],
    [{ maxChange: '1' as never }, /`maxChange`/],
    [{ bounds: [] as never }, /`bounds`/],
    [{ bounds: { XAU: [5, 1] } as const }, /`bounds.XAU`/],
    [{ bounds: { XAU: [1] as never } }, /`bounds.XAU`/],
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
