import { describe, expect, it } from 'vitest';
import { GoldDataClient, KeyedClient, KeyProviderError } from '../../src/index.js';
import { assertNoSecret, keyProviderContract, manualClock, memoryKeyProvider } from '../../src/testing/index.js';

keyProviderContract(
  'memoryKeyProvider',
  async (key) => {
    const provider = memoryKeyProvider({ current: key });
    return {
      provider,
      rotate: async (next) => provider.set('current', next),
      deny: async () => provider.failWith(() => new KeyProviderError('denied', { retryable: false })),
      stop: async () => provider.failWith(() => new KeyProviderError('down')),
      cleanUp: async () => undefined,
    };
  },
  { describe, it, expect },
);

describe('memoryKeyProvider', () => {
  it.each([
    ['a name that is no stage', { curent: 'first-key-0001' }, 'did you mean `current`?'],
    ['a key that is no string', { pending: Buffer.from('first-key-0001') }, '`pending` must be a string'],
    ['no keys at all', null, 'expects an options object'],
  ])('refuses %s at once', (_, keys, message) => {
    expect(() => memoryKeyProvider(keys as never)).toThrow(message);
  });

  it('refuses to put a key where no client looks for it', () => {
    const provider = memoryKeyProvider({});

    expect(() => provider.set('curent' as never, 'first-key-0001')).toThrow(
      'must be one of current, pending, previous',
    );
    expect(() => provider.set('current', 5 as never)).toThrow('`current` must be a string, got 5.');
  });
});

describe('manualClock', () => {
  it('stands still until it is moved, and moves both clocks', async () => {
    const clock = manualClock(5_000);
    expect([clock.now(), clock.monotonic()]).toEqual([5_000, 1]);
    await clock.advance(250);
    expect([clock.now(), clock.monotonic()]).toEqual([5_250, 251]);
  });

  it('runs due timers in order, each at its own moment, also those made on the way', async () => {
    const clock = manualClock(0);
    const ran: Array<[string, number]> = [];
    const note = (name: string) => (): void => void ran.push([name, clock.now()]);
    clock.setTimeout(note('late'), 30);
    clock.setTimeout(() => {
      note('early')();
      clock.setTimeout(note('chained'), 5);
      void Promise.resolve().then(() => clock.setTimeout(note('after a promise'), 10));
    }, 10);
    clock.setTimeout(note('same moment, made later'), 10);
    clock.setTimeout(note('cancelled'), 20).cancel();
    clock.setTimeout(note('not due'), 41);

    await clock.advance(40);

    expect(ran).toEqual([
      ['early', 10],
      ['same moment, made later', 10],
      ['chained', 15],
      ['after a promise', 20],
      ['late', 30],
    ]);
  });

  it('sets the wall clock alone, and freezes', async () => {
    const clock = manualClock(1_000);
    clock.setWall(50);
    expect([clock.now(), clock.monotonic()]).toEqual([50, 1]);
    clock.freeze(60_000);
    expect([clock.now(), clock.monotonic()]).toEqual([60_050, 1]);
  });

  it('refuses what is no step', async () => {
    const clock = manualClock();
    for (const ms of [-1, NaN, Infinity]) {
      await expect(clock.advance(ms)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      expect(() => clock.freeze(ms)).toThrow(RangeError);
      expect(() => manualClock(ms)).toThrow('`startAt`');
    }
  });
});

describe('memoryKeyProvider', () => {
  it('slows down on the clock of the client', async () => {
    const clock = manualClock();
    const keyProvider = memoryKeyProvider({ current: 'some-key-0001' });
    keyProvider.delay = 60_000;
    const client = new KeyedClient({ keyProvider, clock, keyTimeout: 100_000, timeout: 100_000 });
    const call = client.withKey(async ({ version }) => version);
    await clock.advance(60_000);
    expect(await call).toBe('v1');
    await client.close();
  });
});

describe('a user’s test', () => {
  it('of a five-minute TTL, an outage and a rotation needs no time and no fake timers', async () => {
    const clock = manualClock();
    const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });
    let live = 'first-key-0001';
    const gold = new GoldDataClient({
      keyProvider,
      clock,
      fetchPrice: async (_symbol: string, { apiKey }) => {
        if (apiKey !== live) throw Object.assign(new Error('refused'), { status: 401 });
        return 2_000;
      },
    });

    expect(await gold.getPrice()).toBe(2_000);
    await clock.advance(300_001);
    expect(await gold.getPrice()).toBe(2_000);
    expect(keyProvider.loads).toBe(2);

    keyProvider.failWith(() => new KeyProviderError('down'));
    await clock.advance(400_000);
    expect(await gold.getPrice()).toBe(2_000);
    keyProvider.failWith(undefined);

    live = 'second-key-0001';
    keyProvider.set('current', live);
    await clock.advance(30_000);
    expect(await gold.getPrice()).toBe(2_000);
    await gold.close();
  });
});

describe('assertNoSecret', () => {
  const secret = 'k3y+/=with%special&chars"~!';

  it.each([
    ['text', secret],
    ['a property', { a: { b: secret } }],
    ['a name', { [secret]: 1 }],
    ['a Map', new Map([['a', [secret]]])],
    ['a hidden property', Object.defineProperty({}, 'x', { value: secret })],
    [
      'a getter',
      {
        get x() {
          return secret;
        },
      },
    ],
    ['a symbol', { [Symbol('x')]: secret }],
    ['a cause', new Error('a', { cause: new Error(secret) })],
    ['a stack', Object.assign(new Error('a'), { stack: `Error: ${secret}` })],
    ['a URL', new URL(`http://localhost/?k=${encodeURIComponent(secret)}`)],
    ['Headers', new Headers({ authorization: `Basic ${btoa(`u:${secret}`)}` })],
    ['a Buffer', Buffer.from(secret)],
    ['hex', Buffer.from(secret).toString('hex')],
    ['JSON', JSON.stringify({ secret })],
    ['a list of bytes', { data: [...Buffer.from(secret)] }],
  ])('finds the secret in %s, names the place and does not repeat it', (_, value) => {
    let said = '';
    try {
      assertNoSecret(value, secret);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toMatch(/^The secret can be read at /);
    expect(said).not.toContain(secret);
  });

  it('is content with what holds none', () => {
    for (const value of [undefined, null, 1, 'clean', { a: [new Map(), new Date(), /x/] }, new Error('clean')]) {
      expect(() => assertNoSecret(value, secret)).not.toThrow();
    }
  });

  it('refuses a secret that is too short to be told from anything else', () => {
    expect(() => assertNoSecret('x', 'short')).toThrow(RangeError);
  });
});
