import { describe, expect, it } from 'vitest';
import { A, B, loadsOf, pause, scene, watch } from '../scene.js';

describe('a preference for `previous`', () => {
  it("lasts until the refused key's next load, and no call meets the refusal again meanwhile", async () => {
    const { store, clock, api, call } = scene({ ttl: 10_000, refreshAhead: 0 }, { current: A, previous: B });
    api.live.delete(A);
    await call();
    for (let second = 0; second < 9; second++) {
      await call();
      await clock.advance(1_000);
    }
    const calls = [...api.calls];
    api.live.add(A);
    await clock.advance(2_000);
    await call();
    await clock.advance(10);

    expect(calls).toEqual([A, B, ...calls.slice(2).map(() => B)]);
    expect(await call()).toBe(`price by ${A}`);
    expect(loadsOf(store)).toHaveLength(3);
  });

  it('ends when `previous` in its turn is refused and `current` works', async () => {
    const { clock, api, call } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    await call();
    api.live.add(A);
    api.live.delete(B);
    await call();
    await clock.advance(10);
    api.calls.length = 0;

    await call();
    await call();

    expect(api.calls).toEqual([A, A]);
  });

  it('is dropped with the key that it prefers', async () => {
    const { store, clock, api, call, client } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    await call();
    store.put('previous', undefined);
    api.live.add(A);
    client.evict();

    const next = watch(clock, call());
    await clock.advance(2_000);

    expect(next.value).toBe(`price by ${A}`);
  });
});

describe('isKeyRejected', () => {
  it('looks at the result of every call, not of the first alone', async () => {
    let seen = 0;
    const { client } = scene({ isKeyRejected: () => ++seen < 0 });
    for (let call = 0; call < 3; call++) await client.withKey(async () => 'price');

    expect(seen).toBe(3);
  });

  it('that throws, or rejects, ends the call with its error', async () => {
    const error = new Error('from isKeyRejected');
    for (const isKeyRejected of [
      () => {
        throw error;
      },
      () => Promise.reject(error),
    ]) {
      // prettier-ignore
      const { client } = scene({ isKeyRejected, retry: true });

      await expect(client.withKey(async () => 1)).rejects.toBe(error);
    }
  });

  it('that takes its time is awaited, to the deadline at most', async () => {
    const isKeyRejected = (): Promise<boolean> => pause(play.clock, 5_000).then(() => true);
    const play = scene({ timeout: 1_000, isKeyRejected });
    const { clock, client, api } = play;

    const call = watch(clock, client.withKey(api.fetch));
    await clock.advance(6_000);

    expect(call).toMatchObject({ state: 'rejected', error: { code: 'ERR_GOLDKEY_TIMEOUT' } });
    expect(api.calls).toEqual([A]);
  });
});

describe('the error of a refused call', () => {
  it('says when to come again after a canary key was refused first', async () => {
    const { store, api, client, call } = scene({}, { current: A, pending: B });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    api.live.clear();

    const error = await call().catch((caught: unknown) => caught);

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED', retryAfter: expect.any(Number) as number });
  });

  it('says when to come again while loads are backed off', async () => {
    const { store, clock, api, call } = scene({ ttl: 60_000, refreshAhead: 30_000 });
    await call();
    await clock.advance(31_000);
    store.failure = () => new Error('down');
    await call();
    await clock.advance(1);
    api.live.clear();

    const error = await call().catch((caught: unknown) => caught);

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED', retryAfter: expect.any(Number) as number });
  });
});
