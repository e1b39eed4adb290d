import { describe, expect, it, vi } from 'vitest';
import { GoldDataClient, KeyedClient, KeyProviderError } from '../../../src/index.js';
import { manualClock, memoryKeyProvider } from '../../../src/testing/index.js';
import { FIRST, SECOND, setUp } from '../helpers.js';

describe('getPrice', () => {
  it('asks for XAU unless told otherwise, and hands the query on as it is', async () => {
    const { gold } = setUp();
    expect(await gold.getPrice()).toBe('XAU 2000');
    expect(await gold.getPrice(undefined)).toBe('XAU 2000');
    expect(await gold.getPrice('')).toBe(' 2000');
    await gold.close();

    const query = { metal: 'XAG', currency: 'EUR' };
    const other = new GoldDataClient({
      keyProvider: memoryKeyProvider({ current: FIRST }),
      fetchPrice: async (asked: typeof query) => asked,
    });
    expect(await other.getPrice(query)).toBe(query);
    await other.close();
  });

  it('retries transient faults unless told otherwise, as a KeyedClient does not', async () => {
    const busy = Object.assign(new Error('busy'), { status: 503 });
    const clock = manualClock();
    const keyProvider = memoryKeyProvider({ current: FIRST });
    const fetchPrice = vi.fn<() => Promise<never>>().mockRejectedValue(busy);
    const gold = new GoldDataClient({ keyProvider, clock, fetchPrice });
    const plain = new KeyedClient({ keyProvider, clock });
    const call = vi.fn<() => Promise<never>>().mockRejectedValue(busy);

    const priced = gold.getPrice('XAU').catch((error: unknown) => error);
    const called = plain.withKey(call).catch((error: unknown) => error);
    await clock.advance(10_000);

    expect([await priced, await called]).toEqual([busy, busy]);
    expect([fetchPrice.mock.calls.length, call.mock.calls.length]).toEqual([3, 1]);
    expect(gold.status().counts.retries).toBe(2);
    await Promise.all([gold.close(), plain.close()]);
  });
});

describe('getPrices', () => {
  it('is one call where the price API can, in the order asked for', async () => {
    const fetchPrices = vi.fn(async (symbols: readonly string[]) => symbols.map((symbol) => `${symbol}!`));
    const { gold } = setUp({ fetchPrices });
    const symbols = ['XAU', 'XAG'];

    expect(await gold.getPrices(symbols)).toEqual(['XAU!', 'XAG!']);

    expect(fetchPrices).toHaveBeenCalledOnce();
    expect(fetchPrices.mock.calls[0]?.[0]).not.toBe(symbols);
    expect(gold.status().counts.calls).toBe(1);
    await gold.close();
  });

  it('is a call each where it cannot, in the order asked for', async () => {
    const { gold } = setUp();
    expect(await gold.getPrices(['XAU', 'XAG', 'XPT'])).toEqual(['XAU 2000', 'XAG 2000', 'XPT 2000']);
    expect(gold.status().counts.calls).toBe(3);
    await gold.close();
  });

  it('of nothing is nothing, and asks nobody', async () => {
    const fetchPrices = vi.fn(async () => ['never']);
    const { gold, keys } = setUp({ fetchPrices });
    expect(await gold.getPrices([])).toEqual([]);
    expect([fetchPrices.mock.calls.length, keys.loads]).toEqual([0, 0]);
    await gold.close();
  });

  it('of anything but a list is refused', async () => {
    const { gold } = setUp();
    await expect(gold.getPrices('XAU' as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: '`queries` must be an array, got a value of type string.',
    });
    await gold.close();
  });

  it('is repaired and hands its options on like a single price', async () => {
    const { gold, keys } = setUp({
      fetchPrices: async (symbols, { apiKey }) => {
        if (apiKey === FIRST) throw Object.assign(new Error('no'), { status: 401 });
        return symbols.map(() => apiKey);
      },
    });
    await gold.prefetch();
    keys.set('current', SECOND);
    await expect(gold.getPrices(['XAU'], { once: true })).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect(await gold.getPrices(['XAU', 'XAG'])).toEqual([SECOND, SECOND]);
    await gold.close();
  });
});

describe('prefetch and reload', () => {
  it('prefetch loads when there is no key, and only then', async () => {
    const { gold, keys } = setUp();
    await gold.prefetch();
    await gold.prefetch();
    expect(keys.loads).toBe(1);
    await gold.close();
    await expect(gold.prefetch()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    await expect(gold.reload()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
  });

  it('prefetch waits within `maxJitter` on the clock, and fails with the store’s error', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const { gold, keys, clock } = setUp();
    keys.failWith(() => new KeyProviderError('down'));
    const call = gold.prefetch({ maxJitter: 1_000 }).catch((error: unknown) => error);
    await clock.advance(499);
    expect(keys.loads).toBe(0);
    await clock.advance(1);
    expect(keys.loads).toBe(1);
    expect(await call).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    vi.restoreAllMocks();
    await gold.close();
  });

  it('a signal ends the wait of either, not the load', async () => {
    const { gold, keys, clock } = setUp();
    keys.delay = 1_000;
    for (const wait of [gold.prefetch.bind(gold), gold.reload.bind(gold)]) {
      const controller = new AbortController();
      const call = wait({ signal: controller.signal }).catch((error: unknown) => error);
      await clock.advance(10);
      controller.abort('left');
      expect(await call).toBe('left');
      await clock.advance(3_000);
      expect(await wait({ signal: AbortSignal.abort('early') }).catch((error: unknown) => error)).toBe('early');
    }
    expect(gold.status().version).toBe('v1');
    await gold.close();
  });

  it('reload asks the store at most once a second, and fails with its error while the old key serves', async () => {
    const { gold, keys, clock } = setUp();
    await gold.prefetch();
    const both = Promise.all([gold.reload(), gold.reload()]);
    await clock.advance(0);
    await both;
    expect(keys.loads).toBe(2);
    keys.failWith(() => new KeyProviderError('down'));
    const late = gold.reload().catch((error: unknown) => error);
    await clock.advance(999);
    expect(keys.loads).toBe(2);
    await clock.advance(1);
    expect(keys.loads).toBe(3);
    expect(await late).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(await gold.getPrice()).toBe('XAU 2000');
    await gold.close();
  });
});

describe('clients of one provider', () => {
  it('share the key and its loads, and close the provider together', async () => {
    const clock = manualClock();
    const keyProvider = memoryKeyProvider({ current: FIRST });
    const closed = vi.fn(async () => undefined);
    keyProvider.close = closed;
    const [one, two] = [new KeyedClient({ keyProvider, clock }), new KeyedClient({ keyProvider, clock, timeout: 5 })];
    const read = (client: KeyedClient): Promise<string> => client.withKey(async ({ apiKey }) => apiKey);

    expect(await Promise.all([read(one), read(two)])).toEqual([FIRST, FIRST]);
    expect(keyProvider.loads).toBe(1);
    await one.close();
    expect(closed).not.toHaveBeenCalled();
    expect(await read(two)).toBe(FIRST);
    expect(keyProvider.loads).toBe(1);
    await Promise.all([two.close(), two.close(), one.close()]);
    expect(closed).toHaveBeenCalledOnce();

    const later = new KeyedClient({ keyProvider, clock });
    expect(await read(later)).toBe(FIRST);
    expect(keyProvider.loads).toBe(2);
    await later.close();
  });

  it.each([
    ['ttl', 1],
    ['ttlJitter', 0.2],
    ['refreshAhead', 1],
    ['staleIfError', 1],
    ['reloadCooldown', 1],
    ['keyTimeout', 1],
    ['clock', manualClock()],
  ])('must agree on `%s`', async (name, value) => {
    const keyProvider = memoryKeyProvider({ current: FIRST });
    const one = new KeyedClient({ keyProvider });
    expect(() => new KeyedClient({ keyProvider, [name]: value })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringContaining(`\`${name}\``) as string,
      }),
    );
    await one.close();
  });
});
