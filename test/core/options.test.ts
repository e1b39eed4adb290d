import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import { checkOptions, checkString, isPlainObject } from '../../src/core/options.js';
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
    expect(() => new GoldDataClient({ keyProvider: store } as never)).toThrow(
      '`fetchPrice` must be a function, got undefined.',
    );
    expect(() => new GoldDataClient({ keyProvider: store, fetchPirce: 1 } as never)).toThrow(
      'GoldDataClient has no option `fetchPirce`; did you mean `fetchPrice`?',
    );
    expect(
      () => new GoldDataClient({ keyProvider: store, fetchPrice: async () => 1, fetchPrices: 1 } as never),
    ).toThrow('`fetchPrices`');
    let closed = 0;
    store.close = async () => void closed++;
    await new KeyedClient({ keyProvider: store, ttl: 5 }).close();
    expect(closed).toBe(1);
  });
});

describe('options that are not given', () => {
  it('have defaults that do not change', () => {
    const checked = checkOptions('KeyedClient', { keyProvider });

    expect(checked).toEqual({
      keyProvider,
      ttl: 300_000,
      ttlJitter: 0.1,
      refreshAhead: 60_000,
      staleIfError: 600_000,
      reloadCooldown: 30_000,
      keyTimeout: 5_000,
      timeout: 10_000,
      retry: undefined,
      isKeyRejected: undefined,
      isTransient: undefined,
      refusalGate: { after: 20, probeEvery: 1_000, probeMax: 30_000 },
      instanceId: undefined,
      name: keyProvider.name,
      clock: expect.objectContaining({ now: expect.any(Function) as unknown }) as unknown,
    });
    expect([checked, checked.refusalGate].every(Object.isFrozen)).toBe(true);
  });

  it.each([
    [true, {}],
    [{}, {}],
    [
      { retries: 0, minTimeout: 5_000 },
      { retries: 0, minTimeout: 5_000, maxTimeout: 5_000 },
    ],
    [
      { maxTimeout: 100, factor: 1 },
      { maxTimeout: 100, factor: 1 },
    ],
    [
      { factor: 100, randomize: false },
      { factor: 100, randomize: false },
    ],
  ])('of `retry: %j` have the defaults', (retry, own) => {
    const defaults = { retries: 2, minTimeout: 100, maxTimeout: 2_000, factor: 2, randomize: true };

    const checked = checkOptions('KeyedClient', { keyProvider, retry });

    expect(checked.retry).toEqual({ ...defaults, ...own });
    expect(Object.isFrozen(checked.retry)).toBe(true);
  });

  it.each([
    [{}, {}],
    [
      { after: 1, probeEvery: 1 },
      { after: 1, probeEvery: 1 },
    ],
    [{ probeEvery: 60_000 }, { probeEvery: 60_000, probeMax: 60_000 }],
    [
      { probeEvery: 5, probeMax: 5 },
      { probeEvery: 5, probeMax: 5 },
    ],
  ])('of `refusalGate: %j` have the defaults', (refusalGate, own) => {
    const { refusalGate: checked } = checkOptions('KeyedClient', { keyProvider, refusalGate });

    expect(checked).toEqual({ after: 20, probeEvery: 1_000, probeMax: 30_000, ...own });
  });
});

describe('`refusalGate: false`', () => {
  it('is no gate', () => {
    expect(checkOptions('KeyedClient', { keyProvider, refusalGate: false }).refusalGate).toBeUndefined();
  });
});

describe('a value of the wrong type', () => {
  const instance = (name: string): object =>
    new (Object.defineProperty(
      class {
        readonly key = 'a-secret-key';
      },
      'name',
      { value: name },
    ))();
  const fail = (): never => {
    throw new Error('not for you');
  };
  const sick = Object.defineProperty(instance('Vault'), 'constructor', { get: fail });

  it.each<[string, unknown]>([
    ['null', null],
    ['true', true],
    ['1234567', 1_234_567],
    ['-0.123456', -0.123_456],
    ['1.23456e-7', 1.23456e-7],
    ['a number of 8 digits', 12_345_678],
    ['a number of 8 digits', -1_234.567_8],
    ['a value of type string', 'a-secret-key'],
    ['a value of type bigint', 12_345_678n],
    ['a value of type symbol', Symbol('a-secret-key')],
    ['an array', ['a-secret-key']],
    ['a value of type object', { key: 'a-secret-key' }],
    ['a value of type object', Object.create(null)],
    ['an object that inherits from another', Object.create({ key: 'a-secret-key' })],
    ['a promise that was not awaited', Promise.resolve('a-secret-key')],
    ['an instance of Vault', instance('Vault')],
    ['an instance of a class', instance('')],
    ['an instance of a class', sick],
    ['an instance of a class', instance('sk_live_4eC39HqLyjWDarjt')],
  ])('is told as %s, and never shown', (words, value) => {
    expect(() => make({ isTransient: value })).toThrow(
      expect.objectContaining({ name: 'TypeError', message: `\`isTransient\` must be a function, got ${words}.` }),
    );
  });

  it.each([
    [{ instanceId: '' }, "`instanceId` must be a non-empty string, got ''."],
    [{ instanceId: 7 }, '`instanceId` must be a non-empty string, got 7.'],
    [{ ttlJitter: '0.1' }, '`ttlJitter` must be a number, got a value of type string.'],
    [{ ttlJitter: 0.51 }, '`ttlJitter` must be from 0 to 0.5, got 0.51.'],
    [{ ttl: '5' }, '`ttl` must be an integer, got a value of type string.'],
    [{ ttl: 0 }, '`ttl` must be an integer from 1 to 2147483647, got 0.'],
    [{ ttl: 123_456_789_012 }, '`ttl` must be an integer from 1 to 2147483647, got 123456789012.'],
    [{ ttl: 1_234_567_890_123 }, '`ttl` must be an integer from 1 to 2147483647, got a number of 13 digits.'],
    [{ ttl: 12_345_678.5 }, '`ttl` must be an integer from 1 to 2147483647, got a number of 9 digits.'],
    [{ keyProvider: 'kms' }, '`keyProvider` must be a key store with a `load` function, got a value of type string.'],
    [{ keyProvider: { load: () => undefined } }, '`keyProvider.name` must be a non-empty string.'],
    [
      { keyProvider: { name: 'kms', load: 1 } },
      '`keyProvider` must be a key store with a `load` function, got a value of type object.',
    ],
    [{ retry: { factor: '2' } }, '`retry.factor` must be a number from 1 to 100, got a value of type string.'],
    [{ retry: { factor: 0.5 } }, '`retry.factor` must be a number from 1 to 100, got 0.5.'],
    [{ retry: { randomize: 'no' } }, '`retry.randomize` must be a boolean, got a value of type string.'],
    [{ retry: { retries: -1 } }, '`retry.retries` must be an integer from 0 to 2147483647, got -1.'],
    [{ retry: { minTimeout: -1 } }, '`retry.minTimeout` must be an integer from 0 to 2147483647, got -1.'],
    [{ retry: { maxTimeout: -1 } }, '`retry.maxTimeout` must be an integer from 0 to 2147483647, got -1.'],
    [{ retry: { minTimeout: 9, maxTimeout: 8 } }, '`retry.maxTimeout` must not be below `retry.minTimeout`.'],
    [{ retry: 7 }, '`retry` expects an options object, got 7.'],
    [{ refusalGate: { probeEvery: 0 } }, '`refusalGate.probeEvery` must be an integer from 1 to 2147483647, got 0.'],
    [{ refusalGate: 7 }, '`refusalGate` expects an options object, got 7.'],
    [{ refusalGate: { after: 0 } }, '`refusalGate.after` must be an integer from 1 to 2147483647, got 0.'],
    [
      { refusalGate: { probeEvery: 9, probeMax: 8 } },
      '`refusalGate.probeMax` must not be below `refusalGate.probeEvery`.',
    ],
    [{ refusalGate: { probeMax: 0 } }, '`refusalGate.probeMax` must be an integer from 1 to 2147483647, got 0.'],
    [{ clock: null }, '`clock` must have the functions `now`, `monotonic` and `setTimeout`.'],
    [
      { clock: { monotonic: Date.now, setTimeout } },
      '`clock` must have the functions `now`, `monotonic` and `setTimeout`.',
    ],
    [
      { clock: { now: Date.now, monotonic: Date.now } },
      '`clock` must have the functions `now`, `monotonic` and `setTimeout`.',
    ],
    [{ clock: { now: Date.now, setTimeout } }, '`clock` must have the functions `now`, `monotonic` and `setTimeout`.'],
    [{ is: 1 }, 'KeyedClient has no option `is`; did you mean `isKeyRejected`?'],
    [{ timeOut: 1 }, 'KeyedClient has no option `timeOut`; did you mean `timeout`?'],
    [{ tmieout: 1 }, 'KeyedClient has no option `tmieout`; did you mean `timeout`?'],
    [{ entry: 1 }, 'KeyedClient has no option `entry`; did you mean `retry`?'],
    [{ retires: 1 }, 'KeyedClient has no option `retires`; did you mean `retry`?'],
    [{ apiKey: 'x' }, 'KeyedClient takes no key in plaintext; give it a key store as `keyProvider`, e.g. `fromKms`.'],
    [{ zzz: 1 }, /^KeyedClient has no option `zzz`; it has `keyProvider`, .*, `clock`\.$/],
  ])('%j is refused with what was expected', (options, message) => {
    expect(() => make(options)).toThrow(message);
  });

  it('is required where there is no default', () => {
    expect(checkString('path', 'a')).toBe('a');
    expect(() => checkString('path', undefined)).toThrow('`path` must be a non-empty string, got undefined.');
  });

  it('is a plain object if it inherits from nothing but the objects of its realm', () => {
    const plain = [{}, Object.create(null), vm.runInNewContext('({})')];
    const others = [
      null,
      undefined,
      'text',
      [],
      instance('Vault'),
      Object.create({}),
      Object.create(Object.create(null)),
    ];

    expect([plain.every(isPlainObject), others.some(isPlainObject)]).toEqual([true, false]);
  });
});

describe('a call', () => {
  const client = make({});

  it.each([
    [{ timeout: 0 }, '`timeout`'],
    [{ timeout: 1.5 }, '`timeout`'],
    [{ timeout: '10' }, '`timeout`'],
    [{ signal: {} }, '`signal`'],
    [{ signal: { aborted: false } }, '`signal`'],
    [{ signal: { addEventListener: () => undefined } }, '`signal`'],
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
