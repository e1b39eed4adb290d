import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, loadsOf, pause, refusal, scene, testApi, testStore, unhandledIn, watch, zeroed } from '../scene.js';

describe('close()', () => {
  it('of a client never used closes the store, once', async () => {
    const { store, client } = scene();

    await Promise.all([client.close(), client.close(), client[Symbol.asyncDispose]()]);

    expect(store.closes).toBe(1);
    expect(client.status().state).toBe('closed');
  });

  it.each<[string, number]>([
    ['the load', 50],
    ['the fetch', 150],
    ['the reload', 250],
    ['the repeat', 350],
  ])('during %s lets the call finish with its repair, then zeroes', async (_, moment) => {
    const { store, clock, api, client, call } = scene();
    store.latency = 100;
    api.latency = 100;
    const copies: Uint8Array[] = [];
    api.live.clear();
    api.live.add(B);
    clock.setTimeout(() => store.put('current', B), 110);
    const running = watch(
      clock,
      client.withKey((context) => {
        copies.push(context.bytes);
        return api.fetch(context);
      }),
    );

    await clock.advance(moment);
    const closing = watch(clock, client.close());
    const refused = watch(clock, call());
    await clock.advance(1_000);

    expect(running).toMatchObject({ value: `price by ${B}`, at: 401 });
    expect(closing).toMatchObject({ state: 'resolved', at: 401 });
    expect(refused.error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(copies).toHaveLength(2);
    expect(zeroed([...copies, ...store.handed])).toBe(true);
    expect(store.closes).toBe(1);
  });

  it.each<[string, number]>([
    ['the load', 50],
    ['the fetch', 150],
    ['the reload', 250],
    ['the repeat', 350],
  ])('with a signal aborted during %s ends the call at once, and closes', async (_, moment) => {
    const { store, clock, api, client } = scene();
    store.latency = 100;
    api.latency = 100;
    api.live.clear();
    api.live.add(B);
    clock.setTimeout(() => store.put('current', B), 110);
    const running = watch(clock, client.withKey(api.fetch));
    const controller = new AbortController();
    await clock.advance(moment - 20);
    const closing = watch(clock, client.close({ signal: controller.signal }));

    await clock.advance(20);
    controller.abort();
    await clock.advance(0);

    expect(running).toMatchObject({ error: { code: 'ERR_GOLDKEY_CLOSED' }, at: 1 + moment });
    expect(closing.state).toBe('resolved');
    await clock.advance(1_000);
    expect(zeroed(store.handed)).toBe(true);
  });

  it('called again with a signal ends what the first one waits for', async () => {
    const { clock, client } = scene();
    const running = watch(
      clock,
      client.withKey(() => new Promise(() => undefined)),
    );
    await clock.advance(10);
    const first = watch(clock, client.close());
    await clock.advance(10);

    const second = watch(clock, client.close({ signal: AbortSignal.abort() }));
    await clock.advance(0);

    expect([running.state, first.state, second.state]).toEqual(['rejected', 'resolved', 'resolved']);
  });

  it('waits no longer than the deadline of the slowest call', async () => {
    const { clock, client } = scene({ timeout: 3_000 });
    watch(
      clock,
      client.withKey(() => new Promise(() => undefined)),
    );
    await clock.advance(10);

    const closing = watch(clock, client.close());
    await clock.advance(3_000);

    expect(closing).toMatchObject({ state: 'resolved', at: 3_001 });
  });

  it('ends background loads, prefetches and reloads, and what their store then brings is zeroed', async () => {
    const { store, clock, client, call } = scene();
    const late: Uint8Array[] = [];
    await call();
    store.load = async () => {
      await pause(clock, 1_000);
      const bytes = new TextEncoder().encode(B);
      late.push(bytes);
      return { bytes, version: 'v2' };
    };
    await clock.advance(250_000);
    await call();
    const others = [watch(clock, client.reload()), watch(clock, client.prefetch())];

    const closing = watch(clock, client.close());
    await clock.advance(0);
    const then = closing.state;
    await clock.advance(10_000);

    expect(then).toBe('resolved');
    expect(others[0]?.error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(others[1]?.state).not.toBe('pending');
    expect(late).toHaveLength(1);
    expect(zeroed([...late, ...store.handed])).toBe(true);
  });

  it('in the very turn in which a store answers leaves no bytes behind', async () => {
    const left: number[] = [];
    for (let hops = 0; hops < 16; hops++) {
      const { store, client } = scene();
      const load = store.load.bind(store);
      store.load = async (request) => {
        const loaded = await load(request);
        void (async () => {
          for (let hop = 0; hop < hops; hop++) await undefined;
          await client.close();
        })();
        return loaded;
      };
      await client.reload().catch(() => undefined);
      await client.close();
      if (!zeroed(store.handed) || client.status().version !== undefined) left.push(hops);
    }

    expect(left).toEqual([]);
  });

  it('an aborted load starts neither cooldown nor back-off for whoever comes next', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    store.latency = 1_000;
    const first = new KeyedClient({ keyProvider: store, clock });
    watch(clock, first.prefetch());
    await clock.advance(10);
    await first.close();
    expect(first.status().counts).toMatchObject({ loads: 1, loadFailures: 0 });
    store.latency = 0;

    const second = new KeyedClient({ keyProvider: store, clock });

    expect(await second.withKey(async ({ apiKey }) => apiKey)).toBe(A);
  });

  it('ends the wait of a load that an eviction holds back', async () => {
    const { clock, client, call } = scene();
    await call();
    client.evict();
    await call();
    client.evict();
    const waiting = watch(clock, client.prefetch());
    await clock.advance(10);

    const closing = watch(clock, client.close());
    await clock.advance(10);

    expect([waiting.state, closing.state]).toEqual(['rejected', 'resolved']);
  });

  it('closes the store although the subscription does not end well', async () => {
    const { store, client, call } = scene();
    store.subscribe = async () => () => Promise.reject(new Error('no end'));
    await call();

    await client.close().catch(() => undefined);

    expect(store.closes).toBe(1);
  });

  it('of a subscription that ends after it, badly, leaves nothing unhandled', async () => {
    for (const end of [
      () => undefined,
      () => {
        throw new Error('no');
      },
      () => Promise.reject(new Error('no')),
    ]) {
      // prettier-ignore
      const { store, clock, client, call } = scene();
      store.subscribe = async () => {
        await pause(clock, 100);
        return end as () => Promise<void>;
      };
      await call();

      const unhandled = await unhandledIn(async () => {
        await client.close();
        await clock.advance(1_000);
      });

      expect(unhandled).toEqual([]);
    }
  });
});

describe('two clients of one store', () => {
  it('share loads, cooldown and back-off; the store closes with the last', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const api = testApi(clock, A);
    const one = new KeyedClient({ keyProvider: store, clock, name: 'one', timeout: 100 });
    const two = new KeyedClient({ keyProvider: store, clock, name: 'two', retry: true });

    await Promise.all([one.withKey(api.fetch), two.withKey(api.fetch)]);
    await expect(one.withKey(() => Promise.reject(refusal()))).rejects.toThrow();
    await expect(two.withKey(() => Promise.reject(refusal()))).rejects.toThrow();
    await one.close();
    const closesThen = store.closes;
    await two.withKey(api.fetch);
    await two.close();

    expect(loadsOf(store)).toHaveLength(2);
    expect([closesThen, store.closes]).toEqual([0, 1]);
    expect(zeroed(store.handed)).toBe(true);
  });

  it('that disagree on what they share are refused, and the refused one holds no place', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const first = new KeyedClient({ keyProvider: store, clock });

    for (const differing of [
      { ttl: 1 },
      { ttlJitter: 0 },
      { refreshAhead: 1 },
      { staleIfError: 1 },
      { keyTimeout: 1 },
    ]) {
      expect(() => new KeyedClient({ keyProvider: store, clock, ...differing })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
      );
    }
    await first.close();

    expect(store.closes).toBe(1);
  });

  it('one made while the other closes keeps the key and the store alive', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const api = testApi(clock, A);
    const one = new KeyedClient({ keyProvider: store, clock });
    await one.withKey(api.fetch);
    const closing = one.close();
    const two = new KeyedClient({ keyProvider: store, clock });
    await closing;

    expect(await two.withKey(api.fetch)).toContain(A);
    expect(store.closes).toBe(0);
    await two.close();
    expect(store.closes).toBe(1);
  });
});
