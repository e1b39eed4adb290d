import { describe, expect, it } from 'vitest';
import { GoldDataClient, KeyedClient } from '../../src/index.js';
import { memoryKeyProvider } from '../../src/testing/index.js';

const keyProvider = memoryKeyProvider({ current: 'some-key-0001' });
const make = (options: object): KeyedClient => new KeyedClient({ keyProvider, ...options });

const durations = ['ttl', 'refreshAhead', 'staleIfError', 'reloadCooldown', 'keyTimeout', 'timeout'];

describe('a duration', () => {
  it.each(
    durations.flatMap((name) =>
      [NaN, -1, 0.5, Infinity, -Infinity, 30 * 86_400_000].map((value) => [name, value] as const),
    ),
  )('`%s` of %s is a RangeError that names it', (name, value) => {
    expect(() => make({ [name]: value })).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringContaining(`\`${name}\``),
      }),
    );
  });

  it.each(durations)('`%s` that is no number is a TypeError that names it', (name) => {
    for (const value of ['1000', null, 10n, {}, true]) {
      expect(() => make({ [name]: value })).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          code: 'ERR_INVALID_ARG_VALUE',
          message: expect.stringContaining(`\`${name}\``),
        }),
      );
    }
  });

  it.each(['ttl', 'keyTimeout', 'timeout'])('`%s` may not be 0, and may be 1', async (name) => {
    expect(() => make({ [name]: 0 })).toThrow(RangeError);
    await make({ keyProvider: memoryKeyProvider({}), [name]: 1 }).close();
  });

  it.each(['refreshAhead', 'staleIfError', 'reloadCooldown'])('`%s` may be 0', async (name) => {
    await make({ keyProvider: memoryKeyProvider({}), [name]: 0 }).close();
  });

  it.each(durations)('`%s` may be 2_147_483_647, and no more', async (name) => {
    await make({ keyProvider: memoryKeyProvider({}), [name]: 2_147_483_647 }).close();
    expect(() => make({ [name]: 2_147_483_648 })).toThrow('2147483647');
  });
});

describe('options', () => {
  it('of an unknown name are a TypeError that suggests the nearest one', () => {
    const cases = [
      [{ TTL: 1 }, 'ttl'],
      [{ staleOnError: 1 }, 'staleIfError'],
      [{ cooldown: 1 }, 'reloadCooldown'],
      [{ keytimeout: 1 }, 'keyTimeout'],
      [{ retries: 1 }, 'retry'],
    ] as const;
    for (const [options, nearest] of cases) {
      expect(() => make(options)).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_ARG_VALUE',
          message: expect.stringContaining(`did you mean \`${nearest}\``),
        }),
      );
    }
  });

  it('that are no object are a TypeError that does not show them', () => {
    for (const value of [undefined, null, 'a-secret-key', ['a-secret-key'], 7]) {
      expect(() => new KeyedClient(value as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
      expect(() => new KeyedClient(value as never)).not.toThrow('a-secret-key');
    }
  });

  it('need a key provider with a name and a load function', () => {
    for (const value of [
      undefined,
      null,
      'kms',
      {},
      { load: 1 },
      { load: () => undefined },
      { name: '', load: () => undefined },
    ]) {
      expect(() => new KeyedClient({ keyProvider: value as never })).toThrow(/`keyProvider/);
    }
  });

  it('of the wrong type are named', () => {
    const wrong: object[] = [
      { isKeyRejected: true },
      { isTransient: 'x' },
      { instanceId: 7 },
      { name: '' },
      { clock: {} },
      { clock: { now: Date.now, monotonic: Date.now } },
      { ttlJitter: '0.1' },
      { retry: 'yes' },
    ];
    for (const options of wrong) {
      expect(() => make(options)).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_ARG_VALUE',
          message: expect.stringContaining(`\`${Object.keys(options)[0] ?? ''}`),
        }),
      );
    }
  });

  it('hold `ttlJitter` between 0 and 0.5', async () => {
    for (const value of [-0.1, 0.51, NaN, Infinity]) expect(() => make({ ttlJitter: value })).toThrow(RangeError);
    for (const value of [0, 0.5]) await make({ keyProvider: memoryKeyProvider({}), ttlJitter: value }).close();
  });

  it('hold every word of `retry` to its range', async () => {
    const wrong = [
      { retries: -1 },
      { retries: 1.5 },
      { retries: Infinity },
      { minTimeout: -1 },
      { maxTimeout: NaN },
      { factor: 0.5 },
      { factor: 101 },
      { factor: NaN },
      { randomize: 'yes' },
      { minTimeout: 500, maxTimeout: 100 },
      { retires: 1 },
    ];
    for (const retry of wrong) {
      expect(() => make({ retry })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    }
    for (const retry of [true, false, {}, { retries: 0 }, { factor: 1, randomize: false }, { minTimeout: 5_000 }]) {
      await make({ keyProvider: memoryKeyProvider({}), retry }).close();
    }
  });

  it('are copied: changing the object later changes nothing', async () => {
    const options = {
      keyProvider: memoryKeyProvider({ current: 'some-key-0001' }),
      name: 'before',
      isKeyRejected: () => false,
    };
    const client = new KeyedClient(options);
    options.name = 'after';
    expect(client.status().name).toBe('before');
    await client.close();
  });

  it('of a GoldDataClient need `fetchPrice`, and one that failed leaves nothing behind', async () => {
    const store = memoryKeyProvider({ current: 'some-key-0001' });
    expect(() => new GoldDataClient({ keyProvider: store } as never)).toThrow('`fetchPrice`');
    expect(
      () => new GoldDataClient({ keyProvider: store, fetchPrice: async () => 1, fetchPrices: 1 } as never),
    ).toThrow('`fetchPrices`');
    let closed = 0;
    store.close = async () => void closed++;
    await new KeyedClient({ keyProvider: store, ttl: 5 }).close();
    expect(closed).toBe(1);
  });
});

describe('a call', () => {
  const client = make({});

  it.each([
    [{ timeout: 0 }, '`timeout`'],
    [{ timeout: 1.5 }, '`timeout`'],
    [{ timeout: '10' }, '`timeout`'],
    [{ signal: {} }, '`signal`'],
    [{ once: 'yes' }, '`once`'],
    [{ retries: 2 }, '`retries`'],
    ['fast', 'options object'],
  ])('with the options %j rejects and names what is wrong', async (options, said) => {
    let ran = false;
    const call = client.withKey(async () => void (ran = true), options as never);
    await expect(call).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(said) });
    expect(ran).toBe(false);
  });

  it('without a function rejects', async () => {
    await expect(client.withKey(undefined as never)).rejects.toThrow('`call` must be a function');
    await expect(client.prefetch({ jitter: 1 } as never)).rejects.toThrow('`maxJitter`');
    await expect(client.reload({ force: true } as never)).rejects.toThrow('`signal`');
    expect(() => client.on('load' as never, () => undefined)).toThrow('`load`');
    expect(() => client.on('loaded', undefined as never)).toThrow('`listener`');
  });
});
