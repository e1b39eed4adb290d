import { describe, expect, it } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import { A, B, busy, C, loadsOf, pause, refusal, scene, watch, type Scene, type Watched } from '../scene.js';

const retry = { retries: 2, minTimeout: 100, factor: 2, randomize: false };

/**
 * A refused call for which a newer key is held already, and an eviction a few microtasks after its refusal: somewhere
 * among them the newer key has been chosen, and has not been used.
 */
async function evictedAfter(hops: number, also: (play: Scene) => void): Promise<Scene & { end: Watched<string> }> {
  const play = scene();
  const { store, clock, client, api } = play;
  await client.prefetch();
  store.put('current', B);
  api.live.clear();
  api.live.add(B);
  const end = watch(
    clock,
    client.withKey(async (context) => {
      if (context.attempt > 1) return api.fetch(context);
      await client.reload();
      await new Promise((resolve) => setImmediate(resolve));
      void (async () => {
        for (let hop = 0; hop < hops; hop++) await undefined;
        also(play);
        client.evict();
      })();
      return api.fetch(context);
    }),
  );
  await clock.advance(5_000);
  return { ...play, end };
}

const HOPS = Array.from({ length: 16 }, (_, hops) => hops);

describe('a key evicted between its choice and the repeat with it', () => {
  it('is asked for again: no call is left with a key that has been zeroed', async () => {
    for (const hops of HOPS) {
      const { end } = await evictedAfter(hops, () => undefined);

      expect(end, String(hops)).toMatchObject({ value: `price by ${B}` });
    }
  });

  it('is not replaced by the one that was refused', async () => {
    for (const hops of HOPS) {
      const { api } = await evictedAfter(hops, ({ store }) => store.put('current', A));

      expect(api.calls.filter((key) => key === A)).toHaveLength(1);
    }
  });

  it('ends the call as refused when the store has failed meanwhile', async () => {
    const ends = new Set<unknown>();
    for (const hops of HOPS) {
      const { end } = await evictedAfter(hops, ({ store }) => {
        store.failure = () => new KeyProviderError('down');
      });
      ends.add(end.value ?? (end.error as { code?: unknown }).code);
    }

    expect(ends).toEqual(new Set([`price by ${B}`, 'ERR_GOLDKEY_REJECTED']));
  });
});

describe('a key evicted while a refused call waits for the reload', () => {
  it('leaves that call the answer of the load, which is not kept', async () => {
    const { store, clock, client, api, call } = scene();
    await call();
    store.put('current', B);
    store.latency = 100;
    api.live.clear();
    api.live.add(B);
    const repaired = watch(clock, call());
    await clock.advance(50);
    client.evict();
    await clock.advance(50);

    expect(repaired).toMatchObject({ value: `price by ${B}`, at: 101 });
    expect(client.status().state).toBe('empty');
  });
});

describe('a key evicted between its choice and the retry with it', () => {
  it('is asked for again', async () => {
    for (let hops = 0; hops < 40; hops++) {
      const { store, clock, client } = scene({ retry });
      const set = clock.setTimeout.bind(clock);
      const evict = async (): Promise<void> => {
        for (let hop = 0; hop < hops; hop++) await undefined;
        client.evict();
      };
      clock.setTimeout = (callback, ms, options) => {
        const endPause = (): void => {
          callback();
          void evict();
        };
        return set(ms === retry.minTimeout ? endPause : callback, ms, options);
      };
      const end = watch(
        clock,
        client.withKey(async ({ apiKey, attempt }) => {
          if (attempt === 1) throw busy();
          return apiKey;
        }),
      );
      await clock.advance(50);
      store.put('current', B);
      await client.reload();
      await clock.advance(5_000);

      expect(end, String(hops)).toMatchObject({ value: B });
    }
  });
});

describe('a fault met with the key of another stage', () => {
  /** `current` refuses, `previous` meets a fault; `meanwhile` runs in the pause that follows. */
  async function faulted(
    meanwhile: (play: Scene) => Promise<void> | void,
  ): Promise<{ end: Watched<string>; used: string[] }> {
    const play = scene({ retry }, { current: A, previous: B });
    const { clock, client, api } = play;
    api.live.delete(A);
    const used: string[] = [];
    const end = watch(
      clock,
      client.withKey(async (context) => {
        used.push(context.apiKey);
        if (used.length === 2) throw busy();
        return api.fetch(context);
      }),
    );
    await clock.advance(50);
    await meanwhile(play);
    await clock.advance(5_000);
    return { end, used };
  }

  it('is retried with that key', async () => {
    const { end, used } = await faulted(() => undefined);

    expect(end.value).toBe(`price by ${B}`);
    expect(used).toEqual([A, B, B]);
  });

  it('is retried with the one that has taken its place', async () => {
    const { end, used } = await faulted(async ({ store, api, client }) => {
      store.put('previous', C);
      api.live.add(C);
      await client.reload();
    });

    expect(end.value).toBe(`price by ${C}`);
    expect(used).toEqual([A, B, C]);
  });

  it('leaves as it was when no key is left to retry it with', async () => {
    const { end, used } = await faulted(({ store, client }) => {
      store.put('previous', undefined);
      client.evict();
    });

    expect(end.error).toMatchObject({ status: 503 });
    expect(used).toEqual([A, B]);
  });
});

describe('a call that has ended while its function runs a second time', () => {
  it('is not refused any more', async () => {
    const { store, clock, client } = scene({ timeout: 1_000 });
    await client.prefetch();
    store.put('current', B);
    const call = watch(
      clock,
      client.withKey(async ({ attempt }) => {
        if (attempt === 2) await pause(clock, 2_000);
        throw refusal();
      }),
    );
    await clock.advance(5_000);

    expect(call).toMatchObject({ error: { code: 'ERR_GOLDKEY_TIMEOUT' }, at: 1_001 });
    expect(client.status()).toMatchObject({ state: 'fresh', counts: { rejections: 1, repairs: 0 } });
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('is neither repaired nor retried any more', async () => {
    const { clock, client } = scene({ retry });
    const controller = new AbortController();
    let runs = 0;
    const call = watch(
      clock,
      client.withKey(
        async () => {
          if (++runs === 2) await pause(clock, 500);
          throw busy();
        },
        { signal: controller.signal },
      ),
    );
    await clock.advance(300);
    controller.abort('enough');
    await clock.advance(5_000);

    expect(call).toMatchObject({ error: 'enough', at: 301 });
    expect(runs).toBe(2);
    expect(client.status().counts.retries).toBe(1);
  });
});

describe('a Response that a second run returns too late', () => {
  it('has its body cancelled: nobody will read it', async () => {
    const { store, clock, client } = scene({ timeout: 1_000 });
    await client.prefetch();
    store.put('current', B);
    let cancelled = 0;
    const call = watch(
      clock,
      client.withKey(async ({ attempt }) => {
        if (attempt === 1) throw refusal();
        await pause(clock, 2_000);
        return new Response(new ReadableStream({ cancel: () => void cancelled++ }));
      }),
    );
    await clock.advance(1_500);
    const before = [call.state, cancelled];
    await clock.advance(1_000);

    expect(before).toEqual(['rejected', 0]);
    expect(cancelled).toBe(1);
  });

  it('is returned unread when it comes in time', async () => {
    const { store, client } = scene();
    await client.prefetch();
    store.put('current', B);

    const response = await client.withKey(async ({ attempt }) => {
      if (attempt === 1) throw refusal();
      return new Response('price');
    });

    expect(await response.text()).toBe('price');
  });
});

describe('an `isTransient` that throws of a rerun', () => {
  it('ends the call with its error', async () => {
    let asked = 0;
    const error = new RangeError('broken');
    const { clock, client } = scene({
      retry,
      isTransient() {
        if (++asked > 2) throw error;
        return true;
      },
    });
    const call = watch(
      clock,
      client.withKey(() => Promise.reject(busy())),
    );
    await clock.advance(5_000);

    expect(call.error).toBe(error);
  });
});
