import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { KeyedClient, KeyProviderError } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, loadsOf, pause, scene, testApi, testStore, watch } from '../scene.js';

const INVALID = 'ERR_INVALID_ARG_VALUE';

/** Counts those who listen to a signal's abort. */
function counted(signal: AbortSignal): { listeners: number } {
  const count = { listeners: 0 };
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    if (args[0] === 'abort') count.listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    if (args[0] === 'abort') count.listeners--;
    remove(...args);
  };
  return count;
}

describe('what is handed to a client', () => {
  const { client } = scene();

  it.each<[string, () => unknown, string]>([
    [
      'an option of another name',
      () => new KeyedClient({ keyProvider: testStore(manualClock(), {}), tll: 1 } as never),
      'KeyedClient has no option `tll`; did you mean `ttl`?',
    ],
    ['a call that is none', () => client.withKey(7 as never), '`call` must be a function, got 7.'],
    ['a call left out', () => client.withKey(undefined as never), '`call` must be a function, got undefined.'],
    [
      'a call of a strange option',
      () => client.withKey(async () => 1, { sgnal: undefined } as never),
      'A call has no option `sgnal`; did you mean `signal`?',
    ],
    [
      'a call whose `once` is no boolean',
      () => client.withKey(async () => 1, { once: 1 } as never),
      '`once` must be a boolean, got 1.',
    ],
    [
      'a call of no time',
      () => client.withKey(async () => 1, { timeout: 0 }),
      '`timeout` must be an integer from 1 to 2147483647, got 0.',
    ],
    [
      'a prefetch of a strange option',
      () => client.prefetch({ jitter: 1 } as never),
      '`prefetch` has no option `jitter`; did you mean `maxJitter`?',
    ],
    ['a prefetch of no options', () => client.prefetch(1 as never), '`prefetch` expects an options object, got 1.'],
    [
      'a prefetch of less than no jitter',
      () => client.prefetch({ maxJitter: -1 }),
      '`maxJitter` must be an integer from 0 to 2147483647, got -1.',
    ],
    [
      'a reload of a strange option',
      () => client.reload({ sgnal: undefined } as never),
      '`reload` has no option `sgnal`; did you mean `signal`?',
    ],
    [
      'a close of a strange option',
      () => client.close({ sgnal: undefined } as never),
      '`close` has no option `sgnal`; did you mean `signal`?',
    ],
    [
      'a strange event',
      () => client.on('load' as never, () => undefined),
      'There is no event `load`; there are: loaded, load-failed, stale, evicted, key-rejected, gate-closed, gate-opened, repaired, retry, trimmed, rollout-changed, rollout-reverted, break-glass, closed.',
    ],
    [
      'an event that is no text',
      () => client.on({} as never, () => undefined),
      'There is no event a value of type object; there are: loaded, load-failed, stale, evicted, key-rejected, gate-closed, gate-opened, repaired, retry, trimmed, rollout-changed, rollout-reverted, break-glass, closed.',
    ],
    [
      'a listener that is none',
      () => client.on('loaded', 'me' as never),
      '`listener` must be a function, got a value of type string.',
    ],
  ])('%s is refused in words that help', async (_, act, message) => {
    const error = await (async () => act())().catch((reason: unknown) => reason);

    expect(error).toMatchObject({ code: INVALID, message });
  });

  it('takes every signal and jitter that it may', async () => {
    const play = scene();
    const { signal } = new AbortController();

    await play.client.prefetch({ maxJitter: 0 });
    await play.client.prefetch({ signal, maxJitter: 0 });
    await play.client.reload({ signal });

    expect(play.store.asked).toHaveLength(2);
  });

  it('and disagrees with another client of the same store is refused by the name of the option', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const first = new KeyedClient({ keyProvider: store, clock });

    expect(() => new KeyedClient({ keyProvider: store, clock, ttl: 1 })).toThrow(
      expect.objectContaining({
        code: INVALID,
        message:
          '`ttl` differs from that of another client with the same `keyProvider`: they share the key, so it must agree.',
      }),
    );
    await first.close();
  });
});

describe('an eviction', () => {
  it('gives its reason to who listens: the one given, or `evict`', async () => {
    const { client, call } = scene();
    const reasons: string[] = [];
    client.on('evicted', ({ reason }) => reasons.push(reason));
    await call();
    client.evict();
    await call();
    client.evict('leaked in a log');

    expect(reasons).toEqual(['evict', 'leaked in a log']);
  });

  it('without a reason makes no string of a key that was only read as bytes', async () => {
    const { client } = scene();
    await client.withKey(async ({ bytes }) => bytes.length);
    // Those who waited for the load may ask for the string until the turn is over.
    await setImmediate();
    const made = vi.spyOn(Buffer.prototype, 'toString');

    client.evict();

    const texts = made.mock.results.map(({ value }) => String(value));
    made.mockRestore();
    expect(texts).not.toContain(A);
  });
});

describe('a client that is closing', () => {
  it('is one whose block has ended, too', async () => {
    const { store, client, call } = scene();
    {
      await using closing = client;
      await closing.prefetch();
    }

    expect(store.closes).toBe(1);
    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
  });

  it('refuses calls, prefetches and reloads while a call still runs', async () => {
    const { store, clock, client, call } = scene();
    const running = watch(
      clock,
      client.withKey(() => pause(clock, 1_000)),
    );
    await clock.advance(10);
    const jittered = watch(clock, client.prefetch({ maxJitter: 100 }));
    const closing = watch(clock, client.close());

    const others = [watch(clock, call()), watch(clock, client.prefetch()), watch(clock, client.reload())];
    await clock.advance(500);

    expect([jittered, ...others].map(({ error }) => (error as { code?: string } | undefined)?.code)).toEqual(
      Array.from({ length: 4 }, () => 'ERR_GOLDKEY_CLOSED'),
    );
    expect([running.state, closing.state]).toEqual(['pending', 'pending']);
    expect(store.asked).toHaveLength(1);
    await clock.advance(1_000);
    expect([running.state, closing.state]).toEqual(['resolved', 'resolved']);
  });

  it('ends its calls with an error that says what happened when its signal aborts, and listens no more', async () => {
    const { clock, client } = scene();
    const running = watch(
      clock,
      client.withKey(() => new Promise(() => undefined)),
    );
    await clock.advance(10);
    const controller = new AbortController();
    const count = counted(controller.signal);
    const closing = watch(clock, client.close({ signal: controller.signal }));
    await clock.advance(10);
    const before = [running.state, closing.state];

    controller.abort();
    await clock.advance(0);

    expect(before).toEqual(['pending', 'pending']);
    expect(running.error).toMatchObject({
      code: 'ERR_GOLDKEY_CLOSED',
      message: 'The client was closed while the call ran.',
    });
    expect(closing.state).toBe('resolved');
    expect(count.listeners).toBe(0);
  });

  it('ends its calls at once when its signal has aborted before', async () => {
    const { clock, client } = scene();
    const running = watch(
      clock,
      client.withKey(() => new Promise(() => undefined)),
    );
    await clock.advance(10);
    const closing = watch(clock, client.close({ signal: AbortSignal.abort() }));
    await clock.advance(0);

    expect(running).toMatchObject({ error: { code: 'ERR_GOLDKEY_CLOSED' }, at: 11 });
    expect(closing.state).toBe('resolved');
  });

  it('leaves its store to a new client, which loads the key anew', async () => {
    const { store, clock, client, call } = scene();
    await call();
    await client.close();
    const next = new KeyedClient({ keyProvider: store, clock });

    expect(await next.withKey(async ({ apiKey }) => apiKey)).toBe(A);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('listens to its signal no more once it is closed', async () => {
    const { client, call } = scene();
    await call();
    const controller = new AbortController();
    const count = counted(controller.signal);
    const closing = client.close({ signal: controller.signal });
    const listened = count.listeners;
    await closing;

    expect([listened, count.listeners]).toEqual([1, 0]);
  });

  it('says so when its signal takes no listener, and is closed all the same', async () => {
    const { store, client, call } = scene();
    await call();
    const { signal } = new AbortController();
    signal.addEventListener = () => {
      throw new Error(`no listener for ${A}`);
    };

    await expect(client.close({ signal })).rejects.toThrow('no listener for [REDACTED]');
    await client.close();
    expect(store.closes).toBe(1);
  });

  it('says so once, before anything of it is gone', async () => {
    const { client, call } = scene();
    const told: unknown[] = [];
    client.on('closed', ({ name, version, stage }) => told.push([name, version, stage]));
    await call();

    await Promise.all([client.close(), client.close()]);

    expect(told).toEqual([['test-store', 'v1', 'current']]);
  });

  it('leaves the key to the others of its store, and to those that come later', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const api = testApi(clock, A);
    const [one, two] = [
      new KeyedClient({ keyProvider: store, clock }),
      new KeyedClient({ keyProvider: store, clock, name: 'two' }),
    ];
    await one.withKey(api.fetch);
    await one.close();
    const three = new KeyedClient({ keyProvider: store, clock });

    await Promise.all([two.withKey(api.fetch), three.withKey(api.fetch)]);

    expect(loadsOf(store)).toHaveLength(1);
    await Promise.all([two.close(), three.close()]);
    expect(store.closes).toBe(1);
  });
});

describe('a client whose store fails', () => {
  it.each(['prefetch', 'reload'] as const)('has %s end with the error of the store', async (act) => {
    const { store, client } = scene();
    store.failure = () => new KeyProviderError('down');

    await expect(client[act]()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: 'down' });
  });
});

describe('a client that is made', () => {
  it('is told of with its store and its clock', () => {
    const told: unknown[] = [];
    const listen = (message: unknown): void => void told.push(message);
    subscribe('goldkey:client-created', listen);
    const { client, store, clock } = scene();
    unsubscribe('goldkey:client-created', listen);

    expect(told).toEqual([{ client, keyProvider: store, clock }]);
  });
});

describe('what a client redacts', () => {
  it('is each key that it holds, of any stage, and those that it has let go', async () => {
    const { client, api, call } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    await call();
    const before = client.redact({ line: `${A} and ${B}` });
    client.evict();
    await setImmediate();
    const evicted = client.redact({ line: `${A} and ${B}`, other: 'key-c-00000003' });
    await client.close();

    expect(before).toEqual({ line: '[REDACTED] and [REDACTED]' });
    expect(evicted).toEqual({ line: '[REDACTED] and [REDACTED]', other: 'key-c-00000003' });
    expect(client.redact(`${A} and ${B}`)).toBe('[REDACTED] and [REDACTED]');
  });
});

describe('the wait of a prefetch and of a reload', () => {
  it.each(['prefetch', 'reload'] as const)('%s ends without the key that the reason of an abort holds', async (act) => {
    const { client, store, clock, call } = scene();
    await call();
    client.evict();
    store.latency = 1_000;
    const controller = new AbortController();
    const waiting = watch(clock, client[act]({ signal: controller.signal }));
    const reason = new Error(`stopped with ${A}`);
    controller.abort(reason);
    await clock.advance(3_000);
    const before = await client[act]({ signal: AbortSignal.abort(`stopped with ${A}`) }).catch(
      (error: unknown) => error,
    );

    expect(waiting.error).toBe(reason);
    expect(reason.message).toBe('stopped with [REDACTED]');
    expect(before).toBe('stopped with [REDACTED]');
  });

  it.each(['prefetch', 'reload'] as const)('%s ends with a signal that aborts, and listens no more', async (name) => {
    const { store, clock, client } = scene();
    store.latency = 100;
    const controller = new AbortController();
    const count = counted(controller.signal);
    const waiting = watch(clock, client[name]({ signal: controller.signal }));
    await clock.advance(50);
    const listened = count.listeners;

    controller.abort(new Error('enough'));
    await clock.advance(0);

    expect(waiting).toMatchObject({ state: 'rejected', error: { message: 'enough' }, at: 51 });
    expect([listened, count.listeners]).toEqual([1, 0]);
    await clock.advance(100);
    expect(client.status().state).toBe('fresh');
  });

  it.each(['prefetch', 'reload'] as const)('%s is not begun with a signal that has aborted', async (name) => {
    const { store, client } = scene();

    await expect(client[name]({ signal: AbortSignal.abort('early') })).rejects.toBe('early');

    expect(store.asked).toHaveLength(0);
  });

  it('prefetch, spread over a while, ends it with the signal too', async () => {
    const { store, clock, client } = scene();
    const controller = new AbortController();
    const waiting = watch(clock, client.prefetch({ signal: controller.signal, maxJitter: 1_000_000 }));
    await clock.advance(0);

    controller.abort('enough');
    await clock.advance(0);

    expect(waiting.error).toBe('enough');
    expect(store.asked).toHaveLength(0);
  });
});
