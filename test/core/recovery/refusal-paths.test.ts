import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError, type Stage } from '../../../src/index.js';
import { A, B, C, loadsOf, refusal, scene, watch, type Scene, type TestStore } from '../scene.js';

const REJECTED = { code: 'ERR_GOLDKEY_REJECTED' };

/** The store fails for one stage only. */
function failFor(store: TestStore, stage: Stage, failure: () => unknown): void {
  const load = store.load.bind(store);
  store.load = async (request) => {
    if (request.stage !== stage) return load(request);
    store.asked.push({ stage, at: -1, known: request.known });
    throw failure();
  };
}

/** How a call ended, as its error. */
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ resolved: value }),
    (error: unknown) => error,
  );

/** A call whose function is refused whatever the key. */
const refuse = ({ client }: Scene, once = false): Promise<unknown> =>
  failureOf(client.withKey(() => Promise.reject(refusal()), { once }));

describe('a refused call looks for another key', () => {
  it('in `previous`, when the store says that the refused one is forbidden', async () => {
    const { store, client, api, call } = scene({}, { current: A, previous: B });
    await call();
    api.live.delete(A);
    failFor(store, 'current', () => new KeyAccessDeniedError('no'));

    expect(await call()).toBe(`price by ${B}`);
    expect(client.status()).toMatchObject({ lastErrorCode: 'ERR_GOLDKEY_ACCESS_DENIED', counts: { repairs: 1 } });
    expect(await call()).toBe(`price by ${B}`);
  });

  it('not in `previous`, while the store is down: it may have a new one', async () => {
    const { store, api, call } = scene({}, { current: A, previous: B });
    await call();
    api.live.delete(A);
    failFor(store, 'current', () => new KeyProviderError('down'));

    expect(await failureOf(call())).toMatchObject(REJECTED);
    expect(api.calls).toEqual([A, A]);
  });

  it('and does not take the same bytes from another stage for one', async () => {
    const { api, call } = scene({}, { current: A, previous: A });
    api.live.clear();

    expect(await failureOf(call())).toMatchObject(REJECTED);
    expect(api.calls).toEqual([A]);
  });

  it('and finds it in `pending` at last, but only where a rollout trusts it', async () => {
    const used: string[][] = [];
    for (const rollout of [undefined, { id: 'one', pendingPercent: 0 }]) {
      const { store, client, api, call } = scene({}, { current: A, pending: B });
      if (rollout !== undefined) store.roll(rollout);
      await client.prefetch();
      api.live.delete(A);
      await failureOf(call());
      used.push(api.calls);
    }

    expect(used).toEqual([[A], [A, B]]);
  });

  it('twice at most, although a fourth one might work', async () => {
    const { store, api, call } = scene({}, { current: A, pending: B, previous: C });
    store.roll({ id: 'one', pendingPercent: 0 });
    await call();
    store.put('current', 'key-d-00000004');
    api.live.clear();
    api.live.add(B);
    api.calls.length = 0;

    expect(await failureOf(call())).toMatchObject(REJECTED);
    expect(api.calls).toEqual([A, 'key-d-00000004', C]);
  });

  it('and prefers what worked although two keys of the refused stage failed before it', async () => {
    const { store, api, call } = scene({}, { current: A, previous: C });
    await call();
    store.put('current', B);
    api.live.clear();
    api.live.add(C);
    await call();
    api.calls.length = 0;

    expect(await call()).toBe(`price by ${C}`);
    expect(api.calls).toEqual([C]);
  });
});

describe('a refused key of a canary', () => {
  it('is not asked for again: `current` takes its place at once, and the store is left alone', async () => {
    const { store, client, api, call } = scene({}, { current: A, pending: B });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    await call();
    api.live.delete(B);
    store.asked.length = 0;

    expect(await call()).toBe(`price by ${A}`);
    expect(store.asked).toEqual([]);
  });
});

describe('a load under way when a key is refused', () => {
  it('for a key about to expire is joined, and followed by a forced one when it brings the same', async () => {
    const { store, clock, api, call } = scene({ ttl: 10_000, refreshAhead: 5_000 });
    await call();
    await clock.advance(6_000);
    store.latency = 100;
    await call(); // starts the background load
    api.live.clear();
    const refused = watch(clock, call());
    await clock.advance(150);
    const joined = refused.state;
    await clock.advance(1_000);

    expect(joined).toBe('pending');
    expect(refused.error).toMatchObject(REJECTED);
    expect(store.asked.filter(({ stage }) => stage === 'current').map(({ known }) => known)).toEqual([
      undefined,
      ['v1'],
      undefined,
    ]);
  });

  it('for a key about to expire is joined, and is enough when it brings another', async () => {
    const { store, clock, api, call } = scene({ ttl: 10_000, refreshAhead: 5_000 });
    await call();
    await clock.advance(6_000);
    store.latency = 100;
    store.put('current', B);
    await call();
    api.live.clear();
    api.live.add(B);
    const repaired = watch(clock, call());
    await clock.advance(1_000);

    expect(repaired.value).toBe(`price by ${B}`);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('for another refusal, or for `reload()`, is joined and is enough', async () => {
    for (const first of ['refusal', 'reload'] as const) {
      const play = scene();
      const { store, clock, client, api, call } = play;
      await call();
      store.latency = 100;
      api.live.clear();
      const before = first === 'reload' ? watch(clock, client.reload()) : watch(clock, refuse(play));
      await clock.advance(50);
      const second = watch(clock, failureOf(call()));
      await clock.advance(1_000);

      expect(before.state).toBe('resolved');
      expect(second.value).toMatchObject(REJECTED);
      expect(loadsOf(store)).toHaveLength(2);
    }
  });

  it('is not doubled by a refusal under `once`', async () => {
    const play = scene();
    const { store, clock, client, call } = play;
    await call();
    store.latency = 100;
    const reload = watch(clock, client.reload());
    await clock.advance(50);

    expect(await refuse(play, true)).toMatchObject(REJECTED);
    await clock.advance(1_000);
    expect(reload.state).toBe('resolved');
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('that fails gives its error to who joined it', async () => {
    const { store, clock, client, api, call } = scene();
    await call();
    store.latency = 100;
    store.failure = () => new KeyProviderError('down');
    watch(clock, client.reload());
    await clock.advance(50);
    api.live.clear();
    const refused = watch(clock, call());
    await clock.advance(1_000);

    expect(refused.error).toMatchObject({ cause: { errors: [{ status: 401 }, { message: 'down' }] } });
    expect(loadsOf(store)).toHaveLength(2);
  });
});

describe('a refusal under `once`', () => {
  it('of a canary key asks for nothing', async () => {
    const play = scene({}, { current: A, pending: B });
    const { store, client } = play;
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    await play.call();
    const before = store.asked.length;

    expect(await refuse(play, true)).toMatchObject({ ...REJECTED, version: 'v2' });
    await client.settled();
    expect(store.asked).toHaveLength(before);
  });

  it('of a key that was evicted meanwhile is still a refusal', async () => {
    const { clock, client, api, call } = scene();
    await call();
    api.latency = 100;
    api.live.clear();
    const refused = watch(clock, client.withKey(api.fetch, { once: true }));
    await clock.advance(50);
    client.evict();
    await clock.advance(100);

    expect(refused.error).toMatchObject(REJECTED);
  });

  it('asks for nothing while loads are backed off, nor while refusals are cooling down', async () => {
    const play = scene({ ttl: 10_000, refreshAhead: 5_000 });
    const { store, clock, client, call } = play;
    await call();
    await refuse(play, true);
    await client.settled();
    await clock.advance(4_000);
    await refuse(play, true);
    await client.settled();
    const cooling = loadsOf(store).length;
    await clock.advance(2_000);
    store.failure = () => new KeyProviderError('down');
    await client.reload().catch(() => undefined);
    await refuse(play, true);
    await client.settled();

    expect(cooling).toBe(2);
    expect(loadsOf(store)).toHaveLength(3);
  });

  it('of a key that has just changed leaves its first success the news that it is', async () => {
    const play = scene();
    const { store, clock, api, call } = play;
    await call();
    store.put('current', B);
    // The reload that this refusal forces brings B, and starts a cooldown of 1 s.
    await refuse(play, true);
    await clock.advance(10);
    await refuse(play, true);
    api.live.add(B).add(C);
    await call();
    store.put('current', C);
    api.live.delete(B);

    expect(await call()).toBe(`price by ${C}`);
  });
});
