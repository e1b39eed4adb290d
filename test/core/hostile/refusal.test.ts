import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError } from '../../../src/index.js';
import { A, B, busy, C, loadsOf, notResolved, refusal, scene, traffic, watch } from '../scene.js';

describe('a revoked key', () => {
  it('with `reloadCooldown: 0` is still reloaded once per call only', async () => {
    const { store, api, call } = scene({ reloadCooldown: 0 });
    await call();
    api.live.clear();

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });

    expect(loadsOf(store)).toHaveLength(3);
    expect(api.calls).toEqual([A, A, A]);
  });

  it('is never run twice by one call, whatever `isTransient` takes for passing', async () => {
    const { clock, api, client } = scene({ retry: { retries: 3, minTimeout: 10 }, isTransient: () => true });
    api.live.clear();

    const call = watch(clock, client.withKey(api.fetch));
    await clock.advance(9_000);

    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect(api.calls).toEqual([A]);
  });

  it('is not run again by the retry of a fault that the other key met', async () => {
    const { clock, api, client } = scene(
      { retry: { retries: 2, minTimeout: 10, randomize: false } },
      { current: A, previous: B },
    );
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
    await clock.advance(5_000);

    expect(call.value).toBe(`price by ${B}`);
    expect(api.calls).toEqual([A, B, B]);
  });
});

describe('a rotation', () => {
  it('of store and price API together loses no call; nor does a second one 3 s later', async () => {
    const play = scene();
    const rotate = (from: string, to: string): void => {
      play.store.put('current', to);
      play.api.live.delete(from);
      play.api.live.add(to);
    };

    const calls = await traffic(play, 1_000, 10);
    rotate(A, B);
    calls.push(...(await traffic(play, 3_000, 10)));
    rotate(B, C);
    calls.push(...(await traffic(play, 1_000, 10)));

    expect(notResolved(calls)).toBe(0);
    expect(play.store.asked).toHaveLength(3);
  });

  it('of the price API 4 s before the store: the errors end within 5 s of it', async () => {
    const play = scene();
    await traffic(play, 1_000, 10);
    play.api.live.clear();
    play.api.live.add(B);
    await traffic(play, 4_000, 10);
    play.store.put('current', B);

    const within = await traffic(play, 5_000, 10);
    const after = await traffic(play, 5_000, 10);

    expect(notResolved(after)).toBe(0);
    expect(notResolved(within)).toBeLessThan(500);
    expect(loadsOf(play.store)).toHaveLength(3);
  });

  it('under 1,000 concurrent refusals costs one load and no error', async () => {
    const { store, clock, api, call } = scene();
    await call();
    api.latency = 20;
    store.latency = 120;
    store.put('current', B);
    api.live.clear();
    api.live.add(B);

    const calls = Array.from({ length: 1_000 }, () => watch(clock, call()));
    await clock.advance(1_000);

    expect(notResolved(calls)).toBe(0);
    expect(store.asked).toHaveLength(2);
  });

  it('behind an endpoint that always refuses is found by the others within 5 s', async () => {
    const play = scene();
    const { clock, store, api, client } = play;
    await play.call();
    for (let second = 0; second < 60; second++) {
      watch(
        clock,
        client.withKey(() => Promise.reject(refusal())),
      );
      await traffic(play, 1_000, 100);
    }
    store.put('current', B);
    api.live.clear();
    api.live.add(B);

    await traffic(play, 5_100, 100);
    const after = await traffic(play, 1_000, 100);

    expect(notResolved(after)).toBe(0);
  });
});

describe('a late refusal of a key that has been replaced', () => {
  it('costs no load', async () => {
    const { store, clock, api, call } = scene();
    await call();
    api.latency = 2_000;
    const late = watch(clock, call());
    await clock.advance(10);
    api.latency = 0;
    store.put('current', B);
    api.live.clear();
    api.live.add(B);
    await call();
    await clock.advance(3_000);

    expect(late.value).toBe(`price by ${B}`);
    expect(store.asked).toHaveLength(2);
  });

  it('costs no load with `once` either, and does not make the new key suspect', async () => {
    const { store, clock, api, client, call } = scene();
    await call();
    api.latency = 2_000;
    const late = watch(clock, client.withKey(api.fetch, { once: true }));
    await clock.advance(10);
    api.latency = 0;
    store.put('current', B);
    api.live.clear();
    api.live.add(B);
    await call();
    await clock.advance(3_000);

    expect(late.error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect(loadsOf(store)).toHaveLength(2);
    expect(client.status().state).toBe('fresh');
  });
});

describe('a suspect key', () => {
  it('keeps a new caller waiting 250 ms at most', async () => {
    const { store, clock, api, client, call } = scene();
    await call();
    store.latency = 2_000;
    const refused = watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(100);
    const early = watch(clock, call());
    await clock.advance(149);
    const before = api.calls.length;
    await clock.advance(1);
    const late = watch(clock, call());
    await clock.advance(0);

    expect(before).toBe(1);
    expect([early.at, late.at]).toEqual([251, 251]);
    expect(refused.state).toBe('pending');
    await clock.advance(2_000);
  });

  it('serves on when the store is down, and the refused call says why', async () => {
    const { store, clock, call, client } = scene();
    await call();
    store.failure = () => new KeyProviderError('down');

    const refused = watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(1);

    expect(refused.error).toMatchObject({
      code: 'ERR_GOLDKEY_REJECTED',
      cause: { errors: [{ status: 401 }, { message: 'down' }] },
    });
    expect(await call()).toContain(A);
  });

  it('is dropped when the store says that it is forbidden', async () => {
    const { store, clock, call, client } = scene();
    await call();
    store.failure = () => new KeyAccessDeniedError('no');

    const refused = watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(1);

    expect(refused.error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
  });
});
