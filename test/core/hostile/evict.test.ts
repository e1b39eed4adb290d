import { describe, expect, it } from 'vitest';
import { A, B, busy, loadsOf, scene, watch, zeroed, type Watched } from '../scene.js';

describe('evict()', () => {
  it('in a loop under traffic loads at most once a second, and every call gets a key', async () => {
    const { store, clock, api, client, call } = scene();
    api.latency = 5;
    store.latency = 30;
    const calls: Array<Watched<string>> = [];
    for (let step = 0; step < 500; step++) {
      calls.push(watch(clock, call()));
      await clock.advance(10);
      client.evict();
      await clock.advance(10);
    }
    await clock.advance(5_000);

    expect(calls.filter(({ state }) => state !== 'resolved')).toEqual([]);
    const at = store.asked.map((asked) => asked.at);
    const after = at.slice(2).map((moment, index) => moment - (at[index + 1] ?? 0));
    expect(Math.min(...after)).toBeGreaterThanOrEqual(1_000);
  });

  it('zeroes at once, although a call still runs with the key', async () => {
    const { clock, client } = scene();
    const read: string[] = [];
    let copy: Uint8Array | undefined;
    const call = watch(
      clock,
      client.withKey(async (context) => {
        client.evict();
        copy = context.bytes;
        read.push(context.apiKey, new TextDecoder().decode(copy));
      }),
    );
    await clock.advance(1);

    expect(call.state).toBe('resolved');
    expect(read).toEqual([A, A]);
    expect(copy !== undefined && zeroed([copy])).toBe(true);
    expect(client.status().state).toBe('empty');
  });

  it('during a load: those before it get that value, those after share one new load', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 100;
    const before = [watch(clock, call()), watch(clock, client.prefetch())];
    await clock.advance(50);
    client.evict();
    const after = [watch(clock, call()), watch(clock, call())];
    await clock.advance(1_000);

    expect(before.map(({ state, at }) => [state, at])).toEqual([
      ['resolved', 101],
      ['resolved', 101],
    ]);
    expect(after.every(({ state }) => state === 'resolved')).toBe(true);
    expect(store.asked).toHaveLength(2);
  });

  it('before a load that then fails leaves nobody without the answer of the next', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 100;
    store.failure = busy;
    const before = watch(clock, call());
    await clock.advance(50);
    client.evict();
    await clock.advance(50);
    store.failure = undefined;
    await clock.advance(2_000);

    expect(before.value).toBe(`price by ${A}`);
  });

  it('does not let an older load overwrite a newer one', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 3_000;
    const before = watch(clock, call());
    await clock.advance(1_000);
    client.evict();
    store.latency = 10;
    const load = store.load.bind(store);
    store.load = async (request) => {
      store.put('current', B);
      const loaded = await load(request);
      store.put('current', A);
      return loaded;
    };
    const after = watch(
      clock,
      client.withKey(async ({ apiKey }) => apiKey),
    );
    await clock.advance(3_000);

    expect(before.value).toBe(`price by ${A}`);
    expect(after.value).toBe(B);
    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(B);
  });

  it('during a forced reload still repairs the refused call', async () => {
    const { store, clock, api, client, call } = scene();
    await call();
    store.latency = 100;
    store.put('current', B);
    api.live.clear();
    api.live.add(B);
    const refused = watch(clock, call());
    await clock.advance(50);
    client.evict();
    await clock.advance(3_000);

    expect(refused.value).toBe(`price by ${B}`);
  });

  it('leaves to an overtaken load no second question: the next load is the only one', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    await call();
    store.latency = 200;
    await clock.advance(10_001);
    const before = watch(clock, call());
    await clock.advance(10);
    client.evict();
    const after = watch(clock, call());
    await clock.advance(3_000);

    expect([before.state, after.state]).toEqual(['resolved', 'resolved']);
    expect(loadsOf(store)).toHaveLength(3);
  });

  it('during a retry: the compromised key is not run again', async () => {
    const retry = { retries: 1, minTimeout: 100, randomize: false };
    const { store, clock, api, client } = scene({ retry }, { current: A, previous: B });
    api.live.delete(A);
    let faults = 1;
    const call = watch(
      clock,
      client.withKey(async (context) => {
        if (context.apiKey === B && faults-- > 0) {
          api.calls.push(B);
          throw busy();
        }
        return api.fetch(context);
      }),
    );
    await clock.advance(50);
    store.put('previous', undefined);
    client.evict();
    await clock.advance(5_000);

    expect(call.state).toBe('rejected');
    expect(api.calls).toEqual([A, B]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('%i microtasks after a key was chosen hands out no zeroed key', async (wait) => {
    const { clock, api, client, call } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    await call();
    await clock.advance(1_000);
    const chosen = watch(clock, call());
    for (let turn = 0; turn < wait; turn++) await Promise.resolve();
    client.evict();
    await clock.advance(3_000);

    expect(chosen).toMatchObject({ state: 'resolved', value: `price by ${B}` });
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    '%i microtasks after a stale key was chosen hands out no zeroed key',
    async (wait) => {
      const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
      await call();
      store.failure = () => new Error('down');
      await clock.advance(10_001);
      await call();
      await clock.advance(1_000);
      client.on('stale', async () => {
        for (let turn = 0; turn < wait; turn++) await Promise.resolve();
        client.evict();
      });
      const chosen = watch(clock, call());
      await clock.advance(3_000);

      // Without the key there is only the store, which is down.
      if (chosen.state !== 'resolved') expect(chosen.error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
      expect(client.status().counts.evictions).toBe(1);
    },
  );
});
