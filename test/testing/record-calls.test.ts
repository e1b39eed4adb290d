import { inspect } from 'node:util';
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { GoldDataClient, KeyedClient, type KeyContext } from '../../src/index.js';
import { manualClock, memoryKeyProvider, recordCalls } from '../../src/testing/index.js';

const FIRST = 'first-key-0001';
const SECOND = 'second-key-0002';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A client whose price API accepts one key alone. */
function startScene(live = { key: FIRST }) {
  const keyProvider = memoryKeyProvider({ current: FIRST });
  const fetchPrice = recordCalls(async (symbol: string, { apiKey }: KeyContext): Promise<string> => {
    if (apiKey !== live.key) throw Object.assign(new Error('Unauthorized'), { status: 401 });
    return `price of ${symbol}`;
  });
  return { live, keyProvider, fetchPrice, gold: new GoldDataClient({ keyProvider, fetchPrice }) };
}

describe('recordCalls', () => {
  it('tells what a run of fetchPrice was given, also when the client is closed', async () => {
    const { fetchPrice, gold } = startScene();

    expect(await gold.getPrice('XAU')).toBe('price of XAU');
    await gold.close();

    expect(fetchPrice.calls).toEqual([{ query: 'XAU', apiKey: FIRST, version: 'v1', stage: 'current', attempt: 1 }]);
    expect(fetchPrice.calls[0]).toMatchObject({ apiKey: FIRST });
  });

  it('tells both keys of a repaired call, whose first run failed', async () => {
    const { live, keyProvider, fetchPrice, gold } = startScene();
    await gold.prefetch();
    live.key = SECOND;
    keyProvider.set('current', SECOND, 'next');

    await gold.getPrice('XAG');

    expect(fetchPrice.calls).toMatchObject([
      { query: 'XAG', apiKey: FIRST, version: 'v1', attempt: 1 },
      { query: 'XAG', apiKey: SECOND, version: 'next', attempt: 2 },
    ]);
  });

  it('counts retries, of a function that throws at once too', async () => {
    const clock = manualClock();
    const fetchPrice = recordCalls((): Promise<number> => {
      throw Object.assign(new Error('down'), { status: 503 });
    });
    const gold = new GoldDataClient({ keyProvider: memoryKeyProvider({ current: FIRST }), clock, fetchPrice });

    const call = gold.getPrice('XAU').catch((error: unknown) => error);
    await clock.advance(5_000);

    expect(await call).toMatchObject({ message: 'down' });
    expect(fetchPrice.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('tells the queries of fetchPrices, as they were', async () => {
    const fetchPrices = recordCalls(async (queries: readonly string[]) => (queries as string[]).splice(0).map(() => 1));
    const keyProvider = memoryKeyProvider({ current: FIRST });
    const gold = new GoldDataClient({ keyProvider, fetchPrice: async () => 1, fetchPrices });

    expect(await gold.getPrices(['XAU', 'XAG'])).toEqual([1, 1]);

    expect(fetchPrices.calls).toMatchObject([{ query: ['XAU', 'XAG'], apiKey: FIRST, attempt: 1 }]);
  });

  it('records a function for withKey, which has no query', async () => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: FIRST, previous: 'older-key-0000' }) });
    const call = recordCalls(async ({ version }: KeyContext) => version);

    expect(await client.withKey(call)).toBe('v1');

    expect(call.calls).toEqual([{ apiKey: FIRST, version: 'v1', stage: 'current', attempt: 1 }]);
    expect(call.calls[0]).not.toHaveProperty('query');
  });

  it('keeps a query that is an object with an `apiKey`, and finds the context behind it', async () => {
    const fetchPrice = recordCalls(async (query: { apiKey: string }, _context: KeyContext) => query.apiKey);
    const keyProvider = memoryKeyProvider({ current: FIRST });
    const gold = new GoldDataClient<string, { apiKey: string }>({ keyProvider, fetchPrice });

    expect(await gold.getPrice({ apiKey: 'of the query' })).toBe('of the query');

    expect(fetchPrice.calls).toMatchObject([{ query: { apiKey: 'of the query' }, apiKey: FIRST }]);
  });

  it('leaves the function as it is: this, arguments, result, errors, length, name and what it has', async () => {
    const thrown = new Error('thrown');
    const fn = Object.assign(
      function named(this: unknown, first: unknown, second: unknown, ...rest: unknown[]): unknown {
        if (first === 'throw') throw thrown;
        return [this, first, second, rest];
      },
      { own: 'property' },
    );
    const recorded = recordCalls(fn);
    const self = {};
    const context = { apiKey: FIRST, version: 'v7', stage: 'pending', attempt: 2 };

    const result = recorded.call(self, 'XAU', context, 3) as unknown[];

    expect(result).toEqual([self, 'XAU', context, [3]]);
    expect([result[0], result[2]].map((value, index) => value === [self, context][index])).toEqual([true, true]);
    expect(() => recorded('throw', context)).toThrow(thrown);
    expect([recorded.length, recorded.name, recorded.own]).toEqual([2, 'named', 'property']);
    expect(recorded.calls).toEqual([
      { query: 'XAU', ...context },
      { query: 'throw', ...context },
    ]);
    expect('calls' in recorded && 'own' in recorded).toBe(true);
    expect('calls' in fn).toBe(false);
  });

  it.each([
    ['no context', []],
    ['a query alone', ['XAU']],
    [
      'a context that has settled',
      [
        'XAU',
        {
          get apiKey() {
            throw new TypeError('The call has settled.');
          },
        },
      ],
    ],
    [
      'a proxy that throws',
      [
        new Proxy(
          {},
          {
            has() {
              throw new Error('has');
            },
          },
        ),
      ],
    ],
  ])('calls a function that is given %s, and records nothing', (_, args) => {
    const recorded = recordCalls((...given: unknown[]) => given.length);

    expect(recorded(...args)).toBe(args.length);
    expect(recorded.calls).toEqual([]);
  });

  it('wraps a mock of the test runner, which still counts, and can be wrapped again', async () => {
    const mock = vi.fn(async (_symbol: string, _context: KeyContext) => 2_000);
    const inner = recordCalls(mock);
    const outer = recordCalls(inner);
    const gold = new GoldDataClient({ keyProvider: memoryKeyProvider({ current: FIRST }), fetchPrice: outer });

    await gold.getPrice('XAU');

    expect(outer).toHaveBeenCalledTimes(1);
    expect(outer.mock.calls).toHaveLength(1);
    expect([inner.calls, outer.calls]).toMatchObject([[{ apiKey: FIRST }], [{ apiKey: FIRST }]]);
  });

  it('shows the key in `calls` only, not when the function is printed', async () => {
    const { fetchPrice, gold } = startScene();
    await gold.getPrice('XAU');

    expect(inspect(fetchPrice, { depth: 9, showHidden: true }) + String(fetchPrice)).not.toContain(FIRST);
    expect(JSON.stringify({ ...fetchPrice })).toBe('{}');
  });

  it('keeps the type of the function', () => {
    const { fetchPrice } = startScene();

    expectTypeOf(fetchPrice).toBeCallableWith('XAU', {} as KeyContext);
    expectTypeOf(fetchPrice).returns.toEqualTypeOf<Promise<string>>();
    expectTypeOf(fetchPrice.calls[0]?.apiKey).toEqualTypeOf<string | undefined>();
  });
});
