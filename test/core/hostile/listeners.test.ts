import { describe, expect, it } from 'vitest';
import type { KeyedClient, KeyEvents } from '../../../src/index.js';
import { A, B, busy, loadsOf, scene, unhandledIn, watch, zeroed, type TestStore } from '../scene.js';

const EVENTS: ReadonlyArray<keyof KeyEvents> = [
  'loaded',
  'load-failed',
  'stale',
  'evicted',
  'key-rejected',
  'repaired',
  'retry',
  'trimmed',
  'closed',
];

describe('a listener that throws', () => {
  it('harms no call, whatever the event', async () => {
    const { store, clock, api, client, call } = scene({ retry: { minTimeout: 10, randomize: false } });
    const heard = new Set<string>();
    for (const event of EVENTS) {
      client.on(event, () => {
        heard.add(event);
        throw new Error(`from ${event}`);
      });
      client.on(event, () => Promise.reject(new Error(`later, from ${event}`)) as never);
    }

    const unhandled = await unhandledIn(async () => {
      store.put('current', `${A}\n`);
      api.live.add(B);
      await call();
      store.put('current', B);
      api.live.delete(A);
      await call();
      store.failure = busy;
      await clock.advance(300_001);
      await call();
      let faults = 1;
      await Promise.all([
        client.withKey(async () => {
          if (faults-- > 0) throw busy();
        }),
        clock.advance(100),
      ]);
      client.evict();
      await client.close();
    });

    expect(heard).toEqual(new Set(EVENTS));
    expect(unhandled).toEqual([]);
  });
});

describe('a listener that evicts', () => {
  it('on `loaded`: who waited for the load gets its key', async () => {
    const { clock, client, call } = scene();
    let evictions = 1;
    client.on('loaded', () => {
      if (evictions-- > 0) client.evict();
    });

    const calls = [watch(clock, call()), watch(clock, call())];
    await clock.advance(2_000);

    expect(calls.map(({ value }) => value)).toEqual([`price by ${A}`, `price by ${A}`]);
  });

  it('on `stale`: the call that was given the key can read it, or gets another', async () => {
    const { store, clock, client, call } = scene();
    await call();
    await clock.advance(300_001);
    store.failure = busy;
    await clock.advance(0);
    let evictions = 1;
    client.on('stale', () => {
      if (evictions-- > 0) client.evict();
    });

    const late = watch(clock, call());
    await clock.advance(250);

    expect(late.error ?? late.value).not.toMatchObject({ message: 'This key has been zeroed.' });
  });

  it('on `key-rejected`: the call is repaired with the next key', async () => {
    const { store, clock, api, client, call } = scene();
    await call();
    store.put('current', B);
    api.live.clear();
    api.live.add(B);
    client.on('key-rejected', () => client.evict());

    const repaired = watch(clock, call());
    await clock.advance(1_001);

    expect(repaired.value).toBe(`price by ${B}`);
  });

  it('on `repaired`: no preference outlives the eviction', async () => {
    const { clock, api, client, call } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    client.on('repaired', () => client.evict());
    const first = watch(clock, call());
    await clock.advance(1_001);
    api.live.add(A);

    const second = watch(clock, call());
    await clock.advance(2_001);

    expect([first.value, second.value]).toEqual([`price by ${B}`, `price by ${A}`]);
  });

  it('on `evicted`: once is enough', async () => {
    const { client, call } = scene();
    await call();
    client.on('evicted', () => client.evict());

    client.evict();

    expect(client.status().state).toBe('empty');
  });
});

describe('a key zeroed between its choice and its use', () => {
  it('an eviction in the very turn in which a load ends costs no waiting caller its key', async () => {
    const results: unknown[] = [];
    for (let hops = 0; hops < 12; hops++) {
      const { store, clock, client, call } = scene();
      store.latency = 10;
      evictAfter(store, client, hops, 1);
      const waiting = [watch(clock, call()), watch(clock, call())];
      await clock.advance(5_000);
      results.push(...waiting.map(({ value, error }) => value ?? String(error)));
      await client.close();
    }

    expect(new Set(results)).toEqual(new Set([`price by ${A}`]));
  });

  it('an eviction after every load starves no caller: who waited for the load gets its value', async () => {
    const results: unknown[] = [];
    for (let hops = 0; hops < 12; hops++) {
      const { store, clock, client, call } = scene();
      evictAfter(store, client, hops, Infinity);
      const waiting = watch(clock, call());
      await clock.advance(5_000);
      results.push(waiting.value ?? waiting.state);
      await client.close({ signal: AbortSignal.abort() });
    }

    expect(new Set(results)).toEqual(new Set([`price by ${A}`]));
  });

  it('a call that has ended asks for no further keys', async () => {
    const { store, clock, client, call } = scene({ timeout: 3_000 });
    client.on('loaded', () => client.evict());
    watch(clock, call());

    await clock.advance(60_000);

    expect(loadsOf(store).length).toBeLessThanOrEqual(4);
  });

  it('an eviction in the very turn in which a reload repairs a call does not cost it the new key', async () => {
    const results: unknown[] = [];
    for (let hops = 0; hops < 16; hops++) {
      const { store, clock, api, client, call } = scene();
      await call();
      store.put('current', B);
      api.live.delete(A);
      api.live.add(B);
      evictAfter(store, client, hops, 1);
      const repaired = watch(clock, call());
      await clock.advance(5_000);
      results.push(repaired.value ?? String(repaired.error));
      await client.close();
    }

    expect(new Set(results)).toEqual(new Set([`price by ${B}`]));
  });
});

describe('a listener that closes', () => {
  it.each(['loaded', 'key-rejected', 'stale', 'load-failed', 'repaired', 'retry'] as const)(
    'on `%s`: the running call gets its answer, later ones are refused',
    async (event) => {
      const { store, clock, api, client } = scene({ retry: { minTimeout: 10, randomize: false } });
      client.on(event, () => void client.close());
      let runs = 0;
      const call = (): Promise<string> =>
        client.withKey(async (context) => {
          if (runs++ === 1) throw busy();
          return api.fetch(context);
        });
      const all = [watch(clock, call())];
      await clock.advance(50);
      store.put('current', B);
      api.live.clear();
      api.live.add(B);
      all.push(watch(clock, call()));
      await clock.advance(50);
      all.push(watch(clock, call()));
      await clock.advance(50);
      store.failure = busy;
      await clock.advance(300_001);
      all.push(watch(clock, call()));
      await clock.advance(50);
      all.push(watch(clock, call()));
      await clock.advance(20_000);

      const ends = all.map(({ state, error }) => (state === 'rejected' ? (error as { code?: string }).code : state));
      const closedFrom = ends.indexOf('ERR_GOLDKEY_CLOSED');
      expect(ends.slice(0, closedFrom)).toEqual(ends.slice(0, closedFrom).map(() => 'resolved'));
      expect(new Set(ends.slice(closedFrom))).toEqual(new Set(['ERR_GOLDKEY_CLOSED']));
      expect(store.closes).toBe(1);
      expect(zeroed(store.handed)).toBe(true);
    },
  );

  it('at once, on `key-rejected`: the call ends with the closing, and nothing runs after', async () => {
    const { clock, api, client, call } = scene();
    await call();
    api.live.clear();
    client.on('key-rejected', () => void client.close({ signal: AbortSignal.abort() }));

    const ended = watch(clock, call());
    await clock.advance(10);

    expect(ended.error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(api.calls).toEqual([A, A]);
  });
});

/** Evicts some turns of the microtask queue after each of the store's next answers. */
function evictAfter(store: TestStore, client: KeyedClient, hops: number, times: number): void {
  const load = store.load.bind(store);
  let left = times;
  store.load = async (request) => {
    const loaded = await load(request);
    void (async () => {
      for (let hop = 0; hop < hops; hop++) await undefined;
      if (left-- > 0) client.evict();
    })();
    return loaded;
  };
}
