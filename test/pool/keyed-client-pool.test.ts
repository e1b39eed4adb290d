import { afterEach, describe, expect, it, vi } from 'vitest';
import { GoldDataClient, KeyedClient, KeyProviderError } from '../../src/index.js';
import { KeyedClientPool } from '../../src/pool/index.js';
import { manualClock, memoryKeyProvider, type MemoryKeyProvider } from '../../src/testing/index.js';
import { FIRST, tally, unauthorized } from '../core/helpers.js';
import { unhandledIn } from '../core/scene.js';

afterEach(() => {
  vi.restoreAllMocks();
});

interface Tenants {
  pool: KeyedClientPool;
  stores: Map<string, MemoryKeyProvider>;
  closed: string[];
  clock: ReturnType<typeof manualClock>;
}

function setUp(max: number): Tenants {
  const stores = new Map<string, MemoryKeyProvider>();
  const closed: string[] = [];
  const clock = manualClock();
  const pool = new KeyedClientPool({
    max,
    create(tenant) {
      const known = stores.get(tenant);
      const keyProvider: MemoryKeyProvider = Object.create(
        known ?? memoryKeyProvider({ current: `key-of-${tenant}-0001` }),
      ) as MemoryKeyProvider;
      keyProvider.close = async () => void closed.push(tenant);
      if (known === undefined) stores.set(tenant, keyProvider);
      return { keyProvider, clock };
    },
  });
  return { pool, stores, closed, clock };
}

const keyOf = (client: KeyedClient): Promise<string> => client.withKey(async ({ apiKey }) => apiKey);

describe('a pool', () => {
  it('has one client per tenant, each with its own key', async () => {
    const { pool } = setUp(10);
    expect(pool.get('a')).toBe(pool.get('a'));
    expect(await keyOf(pool.get('a'))).toBe('key-of-a-0001');
    expect(await keyOf(pool.get('b'))).toBe('key-of-b-0001');
    expect(pool.size).toBe(2);
    await pool.close();
  });

  it('keeps at most `max` alive: the one used longest ago drains and closes', async () => {
    const { pool, closed } = setUp(2);
    await keyOf(pool.get('a'));
    await keyOf(pool.get('b'));
    let release = (): void => undefined;
    const running = pool
      .get('a')
      .withKey(({ apiKey }) => new Promise<string>((resolve) => (release = () => resolve(apiKey))));
    pool.get('b');

    pool.get('c');
    expect([pool.has('a'), pool.has('b'), pool.has('c'), pool.size]).toEqual([false, true, true, 2]);
    expect(closed).toEqual([]);
    release();

    expect(await running).toBe('key-of-a-0001');
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toEqual(['a']);
    await pool.close();
    expect(closed.toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('deletes a tenant when its calls have ended, and knows no stranger', async () => {
    const { pool, closed } = setUp(2);
    await keyOf(pool.get('a'));
    await pool.delete('a');
    await pool.delete('nobody');
    expect([pool.has('a'), pool.size, closed]).toEqual([false, 0, ['a']]);
    await pool.close();
  });

  it('ends a deletion with the last call of the tenant, and not before', async () => {
    const { pool } = setUp(2);
    await keyOf(pool.get('a'));
    let release = (): void => undefined;
    const running = pool.get('a').withKey(() => new Promise<void>((resolve) => (release = resolve)));
    let isDeleted = false;
    const deletion = pool.delete('a').then(() => (isDeleted = true));
    await new Promise((resolve) => setImmediate(resolve));
    const before = isDeleted;
    release();
    await Promise.all([running, deletion]);

    expect(before).toBe(false);
    await pool.close();
  });

  it('lets a tenant go whose store does not close; only its own close tells of that', async () => {
    const create = (): { keyProvider: MemoryKeyProvider } => {
      const keyProvider = memoryKeyProvider({ current: FIRST });
      keyProvider.close = () => Promise.reject(new Error('still in use'));
      return { keyProvider };
    };
    const pool = new KeyedClientPool({ max: 1, create });
    const unhandled = await unhandledIn(async () => {
      pool.get('a');
      pool.get('b');
      await pool.delete('b');
    });
    pool.get('c');

    expect(unhandled).toEqual([]);
    await expect(pool.close()).rejects.toThrow('still in use');
  });

  it('makes a client anew for one that was closed behind its back', async () => {
    const { pool } = setUp(2);
    const client = pool.get('a');
    await client.close();
    expect(pool.get('a')).not.toBe(client);
    expect(await keyOf(pool.get('a'))).toBe('key-of-a-0001');
    await pool.close();
  });

  it('remembers a back-off over an eviction until it lapses', async () => {
    const { pool, stores, clock } = setUp(1);
    pool.get('a');
    const store = stores.get('a') as MemoryKeyProvider;
    store.failWith(() => new KeyProviderError('down'));
    await keyOf(pool.get('a')).catch(() => undefined);
    const loads = store.loads;

    pool.get('b');
    expect(await tally([keyOf(pool.get('a'))])).toEqual({ good: 0, failed: { ERR_GOLDKEY_PROVIDER: 1 } });
    expect(store.loads).toBe(loads);

    store.failWith(undefined);
    await clock.advance(1_001);
    expect(await keyOf(pool.get('a'))).toBe('key-of-a-0001');
    await pool.close();
  });

  it('remembers the back-offs of several tenants at once', async () => {
    const { pool, stores } = setUp(1);
    for (const tenant of ['a', 'b']) {
      pool.get(tenant);
      stores.get(tenant)?.failWith(() => new KeyProviderError('down'));
      await keyOf(pool.get(tenant)).catch(() => undefined);
    }
    pool.get('c');
    const loads = stores.get('a')?.loads;

    expect(await tally([keyOf(pool.get('a'))])).toEqual({ good: 0, failed: { ERR_GOLDKEY_PROVIDER: 1 } });
    expect(stores.get('a')?.loads).toBe(loads);
    await pool.close();
  });

  it('begins a back-off anew once the last one has lapsed', async () => {
    const { pool, stores, clock } = setUp(1);
    pool.get('a');
    const store = stores.get('a') as MemoryKeyProvider;
    store.failWith(() => new KeyProviderError('down'));
    await keyOf(pool.get('a')).catch(() => undefined);
    pool.get('b');
    await clock.advance(1_000);
    await keyOf(pool.get('a')).catch(() => undefined);
    const loads = store.loads;

    await clock.advance(1_001);
    await keyOf(pool.get('a')).catch(() => undefined);

    expect(store.loads).toBe(loads + 1);
    await pool.close();
  });

  it('remembers a back-off to its last millisecond, and not at its end', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { pool, stores, clock } = setUp(1);
    const fail = async (): Promise<number | undefined> => {
      await keyOf(pool.get('a')).catch(() => undefined);
      return pool.get('a').status().retryAfter;
    };
    pool.get('a');
    stores.get('a')?.failWith(() => new KeyProviderError('down'));
    const pauses = [await fail()];
    for (const ms of [999, 1]) {
      pool.get('b');
      await clock.advance(ms);
      pauses.push(await fail());
    }

    // The first window is of 1 s; a second failure in a row would have opened one of 2 s.
    expect(pauses).toEqual([1_000, 1, 1_000]);
    await pool.close();
  });

  it('gives a back-off to no client on another clock', async () => {
    const keyProvider = memoryKeyProvider({ current: FIRST });
    const pool = new KeyedClientPool({
      max: 1,
      create: () => ({ keyProvider: Object.create(keyProvider) as MemoryKeyProvider, clock: manualClock() }),
    });
    keyProvider.failWith(() => new KeyProviderError('down'));
    await keyOf(pool.get('a')).catch(() => undefined);
    keyProvider.failWith(undefined);

    pool.get('b');

    expect(await keyOf(pool.get('a'))).toBe(FIRST);
    await pool.close();
  });

  it('remembers a cooldown over an eviction: a dead key cannot storm the store', async () => {
    const { pool, stores } = setUp(1);
    const refused = (tenant: string): Promise<unknown> =>
      pool
        .get(tenant)
        .withKey(() => Promise.reject(unauthorized()))
        .catch((error: unknown) => error);
    await refused('a');
    const store = stores.get('a') as MemoryKeyProvider;
    const before = store.loads;

    for (let round = 0; round < 5; round++) {
      pool.get('b');
      expect(await refused('a')).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    }

    // Its key is gone, so each return costs the ordinary load and the question for a previous key; none is forced.
    expect(store.loads - before).toBeLessThanOrEqual(10);
    await pool.close();
  });

  it('after its close gives no client, and closes once', async () => {
    const { pool, closed } = setUp(3);
    await keyOf(pool.get('a'));
    await Promise.all([pool.close(), pool.close(), pool[Symbol.asyncDispose]()]);
    expect(() => pool.get('a')).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_CLOSED' }));
    expect(closed).toEqual(['a']);
  });

  it('closes when its scope is left', async () => {
    const { pool, closed } = setUp(3);
    await keyOf(pool.get('a'));
    await pool[Symbol.asyncDispose]();
    expect(closed).toEqual(['a']);
  });

  it('ends running calls at once when the signal of its close aborts', async () => {
    const { pool } = setUp(3);
    await keyOf(pool.get('a'));
    const call = pool
      .get('a')
      .withKey(() => new Promise(() => undefined))
      .catch((error: unknown) => error);
    await pool.close({ signal: AbortSignal.abort() });
    expect(await call).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
  });

  it('takes clients as well as options, of any class', async () => {
    const pool = new KeyedClientPool<GoldDataClient<string>>({
      max: 2,
      create: () =>
        new GoldDataClient({
          keyProvider: memoryKeyProvider({ current: FIRST }),
          fetchPrice: async (symbol: string) => symbol,
        }),
    });
    expect(await pool.get('a').getPrice('XAG')).toBe('XAG');
    await pool.close();
  });

  it('refuses options that make no sense', () => {
    const create = (): never => {
      throw new Error('unused');
    };
    for (const [options, message] of [
      [{ create }, '`max` is required: give the largest number of clients alive.'],
      [{ max: 0, create }, '`max` must be an integer from 1 to 2147483647, got 0.'],
      [{ max: 1.5, create }, '`max` must be an integer from 1 to 2147483647, got 1.5.'],
      [{ max: 2 }, '`create` must be a function, got undefined.'],
      [{ max: 2, create, ttl: 5 }, 'KeyedClientPool has no option `ttl`; it has `max`, `create`.'],
      [undefined, 'KeyedClientPool expects an options object, got undefined.'],
    ]) {
      expect(() => new KeyedClientPool(options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message }),
      );
    }
    expect(() => new KeyedClientPool({ max: 2, create }).get(7 as never)).toThrow('`tenant`');
  });

  it('refuses a client that another tenant has: the end of one would end the other', async () => {
    const shared = new KeyedClient({ keyProvider: memoryKeyProvider({ current: FIRST }) });
    const pool = new KeyedClientPool({ max: 2, create: () => shared });
    const client = pool.get('a');

    expect(() => pool.get('b')).toThrow(/`create` must return a new client for each tenant/);
    expect(pool.get('a')).toBe(client);
    expect(await keyOf(client)).toBe(FIRST);
    await pool.delete('a');
    expect(() => pool.get('a')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(pool.size).toBe(0);
    await pool.close();
  });

  it('refuses a client that has closed, and has a place for another', async () => {
    let isClosed = true;
    const create = (): KeyedClient => {
      const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: FIRST }) });
      if (isClosed) void client.close();
      return client;
    };
    const pool = new KeyedClientPool({ max: 2, create });

    expect(() => pool.get('a')).toThrow(/another one has this client, or it is closed\.$/);
    expect(pool.has('a')).toBe(false);
    isClosed = false;
    expect(await keyOf(pool.get('a'))).toBe(FIRST);
    await pool.close();
  });

  it.each([
    ['null', () => null],
    ['a promise that was not awaited', async () => ({ keyProvider: memoryKeyProvider({ current: FIRST }) })],
    ['an instance of Date', () => new Date(0)],
    ['undefined', () => undefined],
  ])('says what came instead of a client: %s', async (what, create) => {
    const pool = new KeyedClientPool({ max: 1, create: create as never });

    expect(() => pool.get('a')).toThrow(`a client of this copy of goldkey, or the options for one, got ${what}.`);
    expect(pool.size).toBe(0);
    await pool.close();
  });
});
