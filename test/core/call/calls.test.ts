import { describe, expect, it } from 'vitest';
import { getClientState } from '../../../src/core/client/keyed-client.js';
import { KeyedClient } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, pause, refusal, scene, testStore, watch } from '../scene.js';

const never = new Promise<never>(() => undefined);

describe('calls that overlap', () => {
  it('end in any order, each with its own answer and its own deadline', async () => {
    const { clock, client } = scene();
    await client.prefetch();
    const start = (ms: number, timeout: number): ReturnType<typeof watch<number>> =>
      watch(
        clock,
        client.withKey(() => pause(clock, ms).then(() => ms), { timeout }),
      );
    const calls = [start(300, 1_000), start(100, 1_000), start(900, 200), start(200, 1_000), start(900, 400)];
    await clock.advance(2_000);

    expect(calls.map(({ state, value, at }) => [state, value, at])).toEqual([
      ['resolved', 300, 301],
      ['resolved', 100, 101],
      ['rejected', undefined, 201],
      ['resolved', 200, 201],
      ['rejected', undefined, 401],
    ]);
    expect(client.status().counts.calls).toBe(5);
  });

  it('by the hundred, again and again, know nothing of those before them', async () => {
    const { client } = scene();
    await client.prefetch();
    const seen: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      const calls = Array.from({ length: 150 }, (_, index) =>
        client.withKey(async ({ attempt, apiKey, stage }) => {
          await Promise.resolve();
          return [index, attempt, apiKey, stage].join();
        }),
      );
      seen.push(...(await Promise.all(calls)));
    }

    expect(new Set(seen)).toEqual(
      new Set(Array.from({ length: 150 }, (_, index) => `${String(index)},1,${A},current`)),
    );
    expect(client.status().counts.calls).toBe(300);
  });

  it('of two clients on one clock: closing one at once leaves those of the other alone', async () => {
    const clock = manualClock();
    const [one, two] = [A, B].map(
      (key) => new KeyedClient({ keyProvider: testStore(clock, { current: key }), clock }),
    ) as [KeyedClient, KeyedClient];
    const running = [two, one, two, one, two].map((client) =>
      watch(
        clock,
        client.withKey(() => pause(clock, 1_000).then(() => 'price')),
      ),
    );
    await clock.advance(10);
    const closing = watch(clock, one.close({ signal: AbortSignal.abort() }));
    await clock.advance(0);

    expect(running.map(({ state }) => state)).toEqual(['pending', 'rejected', 'pending', 'rejected', 'pending']);
    expect(closing.state).toBe('resolved');
    await clock.advance(1_000);
    expect(running.filter(({ value }) => value === 'price')).toHaveLength(3);
  });

  it('of one client: one that waits for the next key does not take the last one from another', async () => {
    const { store, clock, client } = scene({ ttl: 1_000, refreshAhead: 0 });
    const first = watch(
      clock,
      client.withKey(async (context) => {
        await pause(clock, 2_000);
        return context.apiKey;
      }),
    );
    await clock.advance(1_001);
    store.put('current', B);
    store.latency = 100;
    const second = watch(
      clock,
      client.withKey(async ({ apiKey }) => apiKey),
    );
    await clock.advance(2_000);

    expect([first.value, second.value]).toEqual([A, B]);
  });

  it('of two clients on one clock: a key dropped in one is not kept for the calls of the other', async () => {
    const clock = manualClock();
    const [one, two] = [A, B].map(
      (key) => new KeyedClient({ keyProvider: testStore(clock, { current: key }), clock }),
    ) as [KeyedClient, KeyedClient];
    let text: string | undefined;
    const other = watch(
      clock,
      two.withKey(async (context) => {
        await pause(clock, 100);
        text = context.apiKey;
      }),
    );
    await clock.advance(10);
    await one.prefetch();
    one.evict();
    two.evict();
    await clock.advance(100);

    expect(other.state).toBe('resolved');
    expect(text).toBe(B);
  });
});

describe('a call with a key that is held', () => {
  it('runs its function before `withKey` returns: no eviction comes in between', async () => {
    const { store, client } = scene();
    await client.prefetch();
    let used: string | undefined;
    const call = client.withKey(async ({ apiKey }) => void (used = apiKey));
    store.put('current', B);
    client.evict();

    expect(used).toBe(A);
    await call;
  });

  it('leaves none of the keys that it ran with once it has settled', async () => {
    const { store, clock, client, api, call } = scene();
    await client.prefetch();
    store.put('current', B);
    api.live.clear();
    api.live.add(B);

    expect(await call()).toBe(`price by ${B}`);
    expect(api.calls).toEqual([A, B]);
    client.evict();
    await clock.advance(1);
    expect(getClientState(client).keys.secrets).toEqual([]);
  });
});

describe('what a function may return', () => {
  it.each<[string, () => unknown, unknown]>([
    ['a value at once', () => 'price', 'price'],
    ['nothing', () => undefined, undefined],
    ['a promise', async () => 'price', 'price'],
    ['a promise of another class', () => Subclass.resolve('price'), 'price'],
    [
      'a promise whose own `then` does nothing',
      () => Object.assign(Promise.resolve('price'), { then: () => undefined }), // oxlint-disable-line unicorn/no-thenable
      'price',
    ],
  ])('%s, warm or cold', async (_, make, expected) => {
    const { client } = scene();

    expect(await client.withKey(make as never)).toBe(expected);
    expect(await client.withKey(make as never)).toBe(expected);
    expect(await client.withKey(make as never, { timeout: 100 })).toBe(expected);
  });

  it('a rejection of any of these reaches the caller', async () => {
    const { client } = scene();
    const error = new Error('no');
    await client.prefetch();
    for (const make of [
      () => Promise.reject(error),
      () => Subclass.reject(error),
      () => {
        throw error;
      },
    ]) {
      await expect(client.withKey(make)).rejects.toBe(error);
    }
  });
});

class Subclass<T> extends Promise<T> {}

describe('a call that runs out of time', () => {
  it('says that it waited for the key store, when it had no key', async () => {
    const { store, clock, client, call } = scene({ timeout: 100 });
    store.latency = 1_000;
    const waiting = watch(clock, call());
    await clock.advance(100);

    expect(waiting.error).toMatchObject({
      code: 'ERR_GOLDKEY_TIMEOUT',
      message:
        'The call did not end within its `timeout` (it was waiting for the key store); raise it, or see what is slow.',
      provider: 'test-store',
    });
    expect(waiting.error).not.toHaveProperty('version', expect.anything());
    await clock.advance(1_000);
    expect(client.status().state).toBe('fresh');
  });

  it('says in which run of the function it was, and with which key', async () => {
    const { store, clock, client } = scene({ timeout: 100 });
    await client.prefetch();
    store.put('current', B);
    const running = watch(
      clock,
      client.withKey(({ attempt }) => (attempt === 1 ? Promise.reject(refusal()) : never)),
    );
    await clock.advance(100);

    expect(running.error).toMatchObject({
      message:
        'The call did not end within its `timeout` (it was in run 2 of the function); raise it, or see what is slow.',
      version: 'v2',
    });
  });

  it('has the timeout of its own, where it has one', async () => {
    const { clock, client } = scene({ timeout: 1_000 });
    const [own, common] = [{ timeout: 50 }, {}].map((options) =>
      watch(
        clock,
        client.withKey(() => never, options),
      ),
    );
    await clock.advance(2_000);

    expect([own?.at, common?.at]).toEqual([51, 1_001]);
  });
});

describe('a call whose signal aborts while it waits for the key', () => {
  it('is not run when the key comes, and the key stays for others', async () => {
    const { store, clock, api, client, call } = scene();
    store.latency = 100;
    const controller = new AbortController();
    const waiting = watch(clock, client.withKey(api.fetch, { signal: controller.signal }));
    await clock.advance(50);
    controller.abort('enough');
    await clock.advance(100);

    expect(waiting).toMatchObject({ error: 'enough', at: 51 });
    expect(api.calls).toEqual([]);
    expect(await call()).toBe(`price by ${A}`);
    expect(client.status().counts).toMatchObject({ calls: 2, loads: 1 });
    client.evict();
    expect(getClientState(client).keys.secrets).toEqual([]);
  });

  it('is not told of the error that the load then ends with', async () => {
    const { store, clock, client, api } = scene();
    store.latency = 100;
    store.failure = () => new Error('down');
    const controller = new AbortController();
    const waiting = watch(clock, client.withKey(api.fetch, { signal: controller.signal }));
    await clock.advance(50);
    controller.abort('enough');
    await clock.advance(100);

    expect(waiting.error).toBe('enough');
  });
});

describe('the signal of a context', () => {
  it('is one of its own without a signal of the caller’s, and follows that one with it', async () => {
    const { client } = scene();
    const { signal } = new AbortController();
    const seen = await client.withKey(async (context) => context.signal);
    const joined = await client.withKey(
      async (context) => (context.signal === context.signal ? context.signal : signal),
      { signal },
    );

    expect([seen.aborted, joined.aborted, joined === signal, seen === joined]).toEqual([false, false, false, false]);
  });

  it('aborts with the deadline also where the caller has a signal', async () => {
    const { clock, client } = scene({ timeout: 100 });
    const { signal } = new AbortController();
    let seen: AbortSignal | undefined;
    const call = watch(
      clock,
      client.withKey(
        (context) => {
          seen = context.signal;
          return never;
        },
        { signal },
      ),
    );
    await clock.advance(100);

    expect(seen?.aborted).toBe(true);
    expect(seen?.reason).toBe(call.error);
  });
});

describe('the error of a call', () => {
  it('shows none of the keys that it has held, neither the first nor one dropped since', async () => {
    const { store, clock, api, client } = scene({}, { current: A, previous: B });
    await client.prefetch();
    api.live.clear();
    const call = watch(
      clock,
      client.withKey(async ({ apiKey, attempt }) => {
        if (attempt === 1) throw refusal();
        await pause(clock, 100);
        throw new Error(`first ${A}, then ${apiKey}`);
      }),
    );
    await clock.advance(50);
    client.evict();
    store.put('current', undefined);
    await clock.advance(100);

    expect(call.error).toMatchObject({ message: 'first [REDACTED], then [REDACTED]' });
  });
});
