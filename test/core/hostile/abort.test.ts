import { describe, expect, it } from 'vitest';
import { A, B, pause, refusal, scene, unhandledIn, watch, type Watched } from '../scene.js';

const never = new Promise<never>(() => undefined);

describe("a caller's signal", () => {
  it.each<[string, number]>([
    ['during the load', 50],
    ['during the fetch', 150],
    ['during the reload', 250],
    ['during the repeat', 350],
  ])('aborted %s ends that call alone, at once, with its reason', async (_, moment) => {
    const { store, clock, api, client } = scene();
    store.latency = 100;
    api.latency = 100;
    api.live.clear();
    api.live.add(B);
    const controller = new AbortController();
    const call = watch(clock, client.withKey(api.fetch, { signal: controller.signal }));
    const other = watch(clock, client.withKey(api.fetch));
    clock.setTimeout(() => store.put('current', B), 110);

    await clock.advance(moment);
    controller.abort(new Error('enough'));
    await clock.advance(0);
    const then = { ...call };
    await clock.advance(1_000);

    expect(then).toMatchObject({ state: 'rejected', at: 1 + moment });
    expect(then.error).toBe(controller.signal.reason);
    expect(other).toMatchObject({ value: `price by ${B}`, at: 401 });
    expect(store.asked).toHaveLength(2);
  });

  it('aborted before the call: the function is not run and nothing is loaded', async () => {
    const { store, api, client } = scene();

    await expect(client.withKey(api.fetch, { signal: AbortSignal.abort('early') })).rejects.toBe('early');

    expect(api.calls).toEqual([]);
    expect(store.asked).toEqual([]);
  });

  it('aborted after the call changes nothing', async () => {
    const { clock, client, api } = scene();
    const controller = new AbortController();
    const unhandled = await unhandledIn(async () => {
      await client.withKey(api.fetch, { signal: controller.signal });
      controller.abort();
      await clock.advance(20_000);
    });

    expect(unhandled).toEqual([]);
  });

  it('aborted by the function itself, before it returns, ends the call with the reason', async () => {
    const { client } = scene();
    const controller = new AbortController();

    const call = client.withKey(
      async () => {
        controller.abort('by itself');
        return 'price';
      },
      { signal: controller.signal },
    );

    await expect(call).rejects.toBe('by itself');
  });

  it('reaches the function through the signal of its context, as do deadline and close', async () => {
    const { clock, client } = scene({ timeout: 500 });
    const controller = new AbortController();
    const reasons: unknown[] = [];
    const run = (signal?: AbortSignal): Promise<never> =>
      client.withKey(
        (context) => {
          const own = context.signal;
          own.addEventListener('abort', () => reasons.push(own.reason));
          return never;
        },
        signal === undefined ? {} : { signal },
      );
    const calls = [watch(clock, run(controller.signal)), watch(clock, run())];
    await clock.advance(100);

    controller.abort('mine');
    await clock.advance(400);
    calls.push(watch(clock, run()));
    await clock.advance(1);
    void client.close({ signal: AbortSignal.abort() });
    await clock.advance(1);

    expect(reasons).toEqual([
      'mine',
      expect.objectContaining({ code: 'ERR_GOLDKEY_TIMEOUT' }),
      expect.objectContaining({ code: 'ERR_GOLDKEY_CLOSED' }),
    ]);
    expect(calls.map(({ error }) => error)).toEqual(reasons);
  });

  it('shared by 1,000 calls raises no warning and keeps one listener at most', async () => {
    const { clock, client, api, call } = scene();
    const controller = new AbortController();
    const { signal } = controller;
    const counted = countListeners(signal);
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', onWarning);
    await call();
    api.latency = 10;

    const calls: Array<Watched<string>> = [];
    for (let index = 0; index < 1_000; index++) {
      calls.push(
        watch(
          clock,
          client.withKey(
            async (context) => {
              void context.signal;
              return api.fetch(context);
            },
            { signal },
          ),
        ),
      );
    }
    await clock.advance(10);
    process.off('warning', onWarning);

    expect(calls.filter(({ state }) => state === 'resolved')).toHaveLength(1_000);
    expect(warnings).toEqual([]);
    expect(counted.size).toBeLessThanOrEqual(1);
  });

  it('keeps no listener of a call that a closed client refused', async () => {
    const { client, api } = scene();
    const { signal } = new AbortController();
    const counted = countListeners(signal);
    await client.close();

    await expect(client.withKey(api.fetch, { signal })).rejects.toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });

    expect(counted.size).toBe(0);
  });

  it('keeps no listener of a prefetch or a reload that has ended', async () => {
    const { clock, client } = scene();
    const { signal } = new AbortController();
    const counted = countListeners(signal);

    const both = watch(clock, Promise.all([client.prefetch({ signal, maxJitter: 1_000 }), client.reload({ signal })]));
    await clock.advance(3_000);

    expect(both.state).toBe('resolved');
    expect(counted.size).toBe(0);
  });

  it('ends the wait of a prefetch and of a reload, not their load', async () => {
    const { store, clock, client } = scene();
    store.latency = 100;
    const controller = new AbortController();
    const waits = [
      watch(clock, client.prefetch({ signal: controller.signal })),
      watch(clock, client.reload({ signal: controller.signal })),
    ];
    await clock.advance(50);

    controller.abort('enough');
    await clock.advance(1_000);

    expect(waits.map(({ error, at }) => [error, at])).toEqual([
      ['enough', 51],
      ['enough', 51],
    ]);
    expect(client.status().state).toBe('fresh');
  });
});

describe('a deadline', () => {
  it('of 1 ms ends a call that waits, and lets one that does not pass', async () => {
    const { clock, api, client, call } = scene({ timeout: 1 });
    api.latency = 5;
    await clock.advance(1);
    const slow = watch(clock, call());
    await clock.advance(1);
    api.latency = 0;

    expect(slow.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(await client.withKey(api.fetch)).toContain(A);
  });

  it('of one call does not move that of another', async () => {
    const { clock, client } = scene({ timeout: 10_000 });
    const timeouts = [500, 20, 10_000, 1, 400, 20];
    const calls = timeouts.map((timeout) =>
      watch(
        clock,
        client.withKey(() => never, { timeout }),
      ),
    );

    await clock.advance(10_001);

    expect(calls.map(({ at }) => at)).toEqual(timeouts.map((timeout) => 1 + timeout));
  });

  it('passes while the call waits for a slow reload, and the reload goes on', async () => {
    const { store, clock, api, client, call } = scene({ timeout: 500 });
    await call();
    store.latency = 1_000;
    store.put('current', B);
    api.live.clear();
    api.live.add(B);

    const refused = watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(1_000);

    expect(refused).toMatchObject({ error: { code: 'ERR_GOLDKEY_TIMEOUT' }, at: 501 });
    expect(await call()).toBe(`price by ${B}`);
  });

  it('leaves no timer behind, even when a call is started by the end of another', async () => {
    const { clock, client, api } = scene({ timeout: 500 });
    const set = clock.setTimeout.bind(clock);
    const holding = new Set<object>();
    clock.setTimeout = (callback, ms, options) => {
      const held = {};
      if (options?.unref !== true) holding.add(held);
      const timer = set(
        () => {
          holding.delete(held);
          callback();
        },
        ms,
        options,
      );
      return {
        cancel() {
          holding.delete(held);
          timer.cancel();
        },
      };
    };
    let next: Watched<string> | undefined;
    const lasting = watch(
      clock,
      client.withKey(() => pause(clock, 510), { timeout: 2_000 }),
    );
    const first = watch(
      clock,
      client.withKey(({ signal }) => {
        signal.addEventListener('abort', () => {
          next = watch(clock, client.withKey(api.fetch));
        });
        return never;
      }),
    );
    await clock.advance(520);

    expect([first.state, next?.state, lasting.state]).toEqual(['rejected', 'resolved', 'resolved']);
    expect(holding.size).toBe(0);
  });

  it('that takes no listener rejects the call, every time, and holds no client open', async () => {
    const { client } = scene();
    const { signal } = new AbortController();
    const error = new Error('no listeners here');
    signal.addEventListener = () => {
      throw error;
    };

    for (let time = 0; time < 2; time++) {
      await expect(client.withKey(async () => 'price', { signal })).rejects.toBe(error);
    }
    await client.close();

    expect(client.status()).toMatchObject({ state: 'closed', counts: { calls: 0 } });
  });
});

/** The abort listeners that are on a signal. */
function countListeners(signal: AbortSignal): Set<unknown> {
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: never, options?: never) => {
    listeners.add(listener);
    add(type, listener, options);
  };
  signal.removeEventListener = (type: string, listener: never) => {
    listeners.delete(listener);
    remove(type, listener);
  };
  return listeners;
}
