import { describe, expect, it } from 'vitest';
import { getClientState } from '../../../src/core/client/keyed-client.js';
import { KeyProviderError, type KeyedClient } from '../../../src/index.js';
import { PriceApiError } from '../../../src/prices/index.js';
import type { ManualClock } from '../../../src/testing/index.js';
import { A, B, busy, C, loadsOf, pause, refusal, scene, timersOf, watch, type Watched } from '../scene.js';

const retry = { retries: 2, minTimeout: 100, factor: 2, randomize: false };

/** Starts a call that finds the price API busy whenever it asks, and counts how often it does. */
function callBusyApi(clock: ManualClock, client: KeyedClient): { call: Watched<unknown>; runs: () => number } {
  let runs = 0;
  const call = watch(
    clock,
    client.withKey(async () => {
      runs++;
      throw busy();
    }),
  );
  return { call, runs: () => runs };
}

describe('a repeat that returns a Response', () => {
  it.each([
    [200, 1, 'fresh'],
    [304, 1, 'fresh'],
    [399, 1, 'fresh'],
    [400, 0, 'fresh'],
    [500, 0, 'fresh'],
  ])('of status %i counts as %i repairs', async (status, repairs, state) => {
    const { store, client } = scene();
    await client.prefetch();
    store.put('current', B);

    const response = await client.withKey(async ({ apiKey }) => {
      if (apiKey === A) throw refusal();
      return { [Symbol.toStringTag]: 'Response', status };
    });

    expect(response.status).toBe(status);
    expect(client.status()).toMatchObject({ state, counts: { repairs, rejections: 1 } });
  });

  it('of a fault leaves a rejected key rejected, one of success clears it', async () => {
    const { client } = scene();
    await client.prefetch();
    const states: string[] = [];
    for (const status of [401, 500, 200]) {
      await client.withKey(async () => new Response(null, { status })).catch(() => undefined);
      states.push(client.status().state);
    }

    expect(states).toEqual(['rejected', 'rejected', 'fresh']);
  });
});

describe('a refusal by a returned Response', () => {
  it('is repaired also with a key that has served before', async () => {
    const { store, client, call } = scene();
    await call();
    await call();
    store.put('current', B);

    const response = await client.withKey(
      async ({ apiKey }) => new Response(null, { status: apiKey === A ? 401 : 200 }),
    );

    expect(response.status).toBe(200);
    expect(client.status().counts.repairs).toBe(1);
  });
});

describe('a retry', () => {
  it('is told of with the number of the next run and its pause, and is counted', async () => {
    const { clock, client } = scene({ retry });
    const told: unknown[] = [];
    client.on('retry', ({ attempt, delay, version }) => told.push([attempt, delay, version]));
    const attempts: number[] = [];
    const call = watch(
      clock,
      client.withKey(async ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw busy();
        return 'price';
      }),
    );
    await clock.advance(1_000);

    expect(call).toMatchObject({ value: 'price', at: 301 });
    expect(told).toEqual([
      [2, 100, 'v1'],
      [3, 200, 'v1'],
    ]);
    expect(attempts).toEqual([1, 2, 3]);
    expect(client.status().counts.retries).toBe(2);
  });

  it('that is refused is repaired, within the same call', async () => {
    const { store, clock, client } = scene({ retry });
    const used: unknown[] = [];
    const call = watch(
      clock,
      client.withKey(async ({ apiKey, attempt }) => {
        used.push([attempt, apiKey]);
        if (attempt === 1) {
          store.put('current', B);
          throw busy();
        }
        if (apiKey === A) throw refusal();
        return 'price';
      }),
    );
    await clock.advance(1_000);

    expect(call.value).toBe('price');
    expect(used).toEqual([
      [1, A],
      [2, A],
      [3, B],
    ]);
    expect(client.status().counts).toMatchObject({ retries: 1, repairs: 1, rejections: 1 });
  });

  it('without a key any more ends with the error of the store', async () => {
    const { store, clock, client } = scene({ retry });
    const { call, runs } = callBusyApi(clock, client);
    await clock.advance(50);
    client.evict();
    store.failure = () => new KeyProviderError('down');
    await clock.advance(1_000);

    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: 'down' });
    expect(runs()).toBe(1);
  });

  it('uses the key that came during its pause', async () => {
    const { store, clock, client } = scene({ retry });
    const used: string[] = [];
    const call = watch(
      clock,
      client.withKey(async ({ apiKey }) => {
        used.push(apiKey);
        if (used.length === 1) throw busy();
        return 'price';
      }),
    );
    await clock.advance(50);
    store.put('current', B);
    await client.reload();
    await clock.advance(100);

    expect(call.value).toBe('price');
    expect(used).toEqual([A, B]);
  });

  it('is not made when the deadline would pass in its pause, and is when it just does not', async () => {
    const ends: unknown[] = [];
    for (const timeout of [100, 101]) {
      const { clock, client } = scene({ retry, timeout });
      let runs = 0;
      const call = watch(
        clock,
        client.withKey(async () => {
          if (++runs === 1) throw busy();
          return 'price';
        }),
      );
      await clock.advance(200);
      ends.push([runs, call.state, call.at]);
    }

    expect(ends).toEqual([
      [1, 'rejected', 1],
      [2, 'resolved', 101],
    ]);
  });

  it('does not move the deadline: the last one is that whose pause still ends before it', async () => {
    const { clock, client } = scene({ retry: { ...retry, retries: 5, factor: 1 }, timeout: 250 });
    const { call, runs } = callBusyApi(clock, client);
    await clock.advance(1_000);

    expect(call).toMatchObject({ error: { status: 503 }, at: 201 });
    expect(runs()).toBe(3);
  });

  it('waits as long as a PriceApiError asks', async () => {
    const { clock, client } = scene({ retry });
    let runs = 0;
    const call = watch(
      clock,
      client.withKey(async () => {
        if (++runs === 1)
          throw new PriceApiError('slow down', {
            source: 'test',
            kind: 'rate-limited',
            retryable: true,
            retryAfter: 1_500,
          });
        return 'price';
      }),
    );
    await clock.advance(5_000);

    expect(call).toMatchObject({ value: 'price', at: 1_501 });
  });

  it('is what `isTransient` says of results too, and the last one is returned', async () => {
    const { clock, client } = scene({ retry, isTransient: ({ result }) => result === 'later' });
    let runs = 0;
    const gives = async (): Promise<string> => {
      runs++;
      return runs === 5 ? 'price' : 'later';
    };
    const never = watch(clock, client.withKey(gives));
    await clock.advance(1_000);
    const once = watch(clock, client.withKey(gives));
    await clock.advance(1_000);

    expect([never.value, once.value]).toEqual(['later', 'price']);
    expect(runs).toBe(5);
  });

  it('is not thought of without `retry`, nor under `once`', async () => {
    let asked = 0;
    const isTransient = (): boolean => ++asked > 0;
    const fault = busy();
    for (const [more, once] of [
      [{}, false],
      [{ retry }, true],
    ] as const) {
      const { client } = scene({ isTransient, ...more });

      await expect(client.withKey(() => Promise.reject(fault), { once })).rejects.toBe(fault);
    }

    expect(asked).toBe(0);
  });

  it('of a call that has its answer does not come', async () => {
    const { clock, client, store } = scene({ retry, timeout: 150 });
    let runs = 0;
    const call = watch(
      clock,
      client.withKey(async () => {
        runs++;
        await pause(clock, 120);
        throw busy();
      }),
    );
    await clock.advance(5_000);

    expect(call).toMatchObject({ error: { status: 503 }, at: 121 });
    expect(runs).toBe(1);
    expect(loadsOf(store)).toHaveLength(1);
  });

  it('whose key is being loaded when the deadline passes is not run', async () => {
    const { clock, client, store } = scene({ retry, timeout: 1_000 });
    const { call, runs } = callBusyApi(clock, client);
    await clock.advance(50);
    client.evict();
    store.latency = 2_000;
    await clock.advance(5_000);

    expect(call).toMatchObject({ error: { code: 'ERR_GOLDKEY_TIMEOUT' }, at: 1_001 });
    expect(runs()).toBe(1);
  });
});

describe('a repeat with another key', () => {
  it('is not run for a call that ended while it was looked for', async () => {
    const { clock, client, store, api } = scene({ timeout: 1_000 });
    await client.prefetch();
    store.latency = 2_000;
    store.put('current', B);
    api.live.clear();
    const call = watch(clock, client.withKey(api.fetch));
    await clock.advance(5_000);

    expect(call).toMatchObject({ error: { code: 'ERR_GOLDKEY_TIMEOUT' }, at: 1_001 });
    expect(api.calls).toEqual([A]);
    expect(client.status().version).toBe('v2');
    client.evict();
    expect(getClientState(client).keys.secrets).toEqual([]);
  });

  it('is told of once a second and stage', async () => {
    const { client, api, call } = scene({}, { current: A, previous: B });
    const told: unknown[] = [];
    client.on('key-rejected', ({ stage, version, count }) => told.push([stage, version, count]));
    api.live.clear();
    await call().catch(() => undefined);

    expect(told).toEqual([
      ['current', 'v1', 1],
      ['previous', 'v2', 1],
    ]);
  });

  it('that has to be loaded holds the process until it is there', async () => {
    const { clock, client, store, api, call } = scene({ keyTimeout: 4_321 });
    await client.prefetch();
    store.put('current', B);
    api.live.clear();
    api.live.add(B);
    const timers = timersOf(clock);

    expect(await call()).toBe(`price by ${B}`);
    expect(timers).toContainEqual({ ms: 4_321, holds: true });
  });

  it('of another stage is not preferred to one that has come meanwhile', async () => {
    const { clock, client, store, api, call } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    api.live.add(C);
    api.latency = 2_000;
    const first = watch(clock, call());
    await clock.advance(3_000);
    store.put('current', C);
    await client.reload();
    await clock.advance(2_000);
    api.latency = 0;

    expect(first.value).toBe(`price by ${B}`);
    expect(await call()).toBe(`price by ${C}`);
  });

  it('is decided on by `isKeyRejected` alone, for every run, whatever it returns the verdict in', async () => {
    for (const wrap of [(verdict: boolean) => verdict, (verdict: boolean) => Promise.resolve(verdict)]) {
      const seen: unknown[] = [];
      const { store, client } = scene({
        isKeyRejected: (outcome) => {
          seen.push(outcome);
          return wrap(outcome.result === 'refused');
        },
      });
      await client.prefetch();
      store.put('current', B);

      expect(await client.withKey(async ({ apiKey }) => (apiKey === A ? 'refused' : 'price'))).toBe('price');
      await expect(client.withKey(() => Promise.reject(refusal()))).rejects.toMatchObject({ status: 401 });
      expect(seen).toMatchObject([{ result: 'refused' }, { result: 'price' }, { error: { status: 401 } }]);
    }
  });
});
