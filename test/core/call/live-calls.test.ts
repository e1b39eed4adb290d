import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { timeLimits } from '../../../src/core/index.js';
import { KeyProviderError } from '../../../src/index.js';
import { A, B, C, loadsOf, pause, scene, watch, zeroed } from '../scene.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const FOREVER = new Promise<never>(() => undefined);

/** Resolves to the live keys that a call is given whose client evicts them 500 ms after its start. */
async function valueAfterEviction({
  client,
  clock,
}: Pick<ReturnType<typeof scene>, 'client' | 'clock'>): Promise<unknown> {
  const call = watch(
    clock,
    client.withLiveKeys((keys) => keys.map(({ bytes }) => text(bytes))),
  );
  await clock.advance(500);
  client.evict();
  await clock.advance(10_000);
  return call.value;
}

describe('withLiveKeys()', () => {
  it('hands out every key that the store has, with version and stage, and resolves to what the function returns', async () => {
    const { store, client } = scene();
    store.put('pending', B);
    store.put('previous', C);
    const seen = await client.withLiveKeys((keys) =>
      keys.map(({ bytes, version, stage }) => [text(bytes), version, stage]),
    );
    expect(seen).toEqual([
      [A, 'v1', 'current'],
      [B, 'v2', 'pending'],
      [C, 'v3', 'previous'],
    ]);
    expect(await client.withLiveKeys(async (keys) => keys.length)).toBe(3);
  });

  it('hands out one key where the store has one, and a key of two stages once', async () => {
    const { store, client } = scene();
    expect(await client.withLiveKeys((keys) => keys.map(({ stage }) => stage))).toEqual(['current']);
    store.put('pending', A);
    const other = scene();
    other.store.put('pending', A);
    expect(await other.client.withLiveKeys((keys) => keys.map(({ stage }) => stage))).toEqual(['current']);
  });

  it('asks the store once for each stage, however many calls there are and whatever they throw', async () => {
    const { store, client } = scene();
    store.put('previous', C);
    await Promise.all(Array.from({ length: 50 }, () => client.withLiveKeys(() => 1)));
    const refused = Object.assign(new Error('bad signature'), { status: 401 });
    for (let junk = 0; junk < 100; junk++)
      await expect(client.withLiveKeys(() => Promise.reject(refused))).rejects.toBe(refused);

    expect(['current', 'pending', 'previous'].map((stage) => loadsOf(store, stage as 'current').length)).toEqual([
      1, 1, 1,
    ]);
    expect(client.status()).toMatchObject({ state: 'fresh', counts: { rejections: 0, repairs: 0, retries: 0 } });
  });

  it('asks the store again for a stage that had no key once its time is over', async () => {
    const { store, client, clock } = scene({ ttl: 60_000, refreshAhead: 0 });
    await client.withLiveKeys(() => 1);
    store.put('pending', B);
    expect(await client.withLiveKeys((keys) => keys.length)).toBe(1);
    await clock.advance(60_001);
    expect(await client.withLiveKeys((keys) => keys.length)).toBe(2);
  });

  it('hands out the others when one stage cannot be loaded, and fails with its error when there is no key at all', async () => {
    const { store, client, clock } = scene();
    await client.prefetch();
    store.failure = () => new KeyProviderError('down');
    const others = watch(
      clock,
      client.withLiveKeys((keys) => keys.map(({ stage }) => stage)),
    );
    await clock.advance(10_000);
    expect(others.value).toEqual(['current']);

    const none = scene();
    none.store.failure = () => new KeyProviderError('down');
    await expect(none.client.withLiveKeys(() => 1)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
  });

  it('zeroes what it handed out when the call settles: answered, failed, late or aborted', async () => {
    const { client, clock } = scene({ timeout: 3_000 });
    const handed: Uint8Array[] = [];
    const keep = (keys: readonly { bytes: Uint8Array }[]): void => void handed.push(...keys.map(({ bytes }) => bytes));
    await client.withLiveKeys(keep);
    await client.withLiveKeys((keys) => (keep(keys), Promise.reject(new Error('no')))).catch(() => undefined);
    const late = watch(
      clock,
      client.withLiveKeys((keys) => (keep(keys), FOREVER)),
    );
    const controller = new AbortController();
    const aborted = watch(
      clock,
      client.withLiveKeys((keys) => (keep(keys), FOREVER), { signal: controller.signal }),
    );
    await clock.advance(1);
    expect(handed.map(text).filter((each) => each === A)).toHaveLength(2);
    controller.abort(new Error('the request has gone'));
    await clock.advance(3_000);

    expect(aborted.error).toMatchObject({ message: 'the request has gone' });
    expect(late.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(handed.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true, true, true, true]);
  });

  it('zeroes nothing of the client: the next call has the key', async () => {
    const { client } = scene();
    await client.withLiveKeys(([key]) => key?.bytes.fill(0));
    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(A);
  });

  it('harms nothing when its bytes were transferred to a thread', async () => {
    const { client } = scene();
    const length = await client.withLiveKeys(
      ([key]) => structuredClone(key?.bytes, { transfer: [key?.bytes.buffer as ArrayBuffer] })?.length,
    );
    expect(length).toBe(A.length);
  });

  it('removes every key from an error that leaves it', async () => {
    const { store, client } = scene();
    store.put('previous', C);
    const error = await client
      .withLiveKeys(() => Promise.reject(new Error(`${A} and ${C}`)))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: '[REDACTED] and [REDACTED]' });
  });

  it('ends at its own timeout, also while it waits for the store, and calls nothing then', async () => {
    const { store, client, clock } = scene();
    store.latency = 2_000;
    let runs = 0;
    const call = watch(
      clock,
      client.withLiveKeys(() => void runs++, { timeout: 500 }),
    );
    await clock.advance(500);
    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    await clock.advance(5_000);
    expect(runs).toBe(0);
  });

  it('makes no copy of a key that comes after its end', async () => {
    const { store, client, clock } = scene();
    store.latency = 2_000;
    const set = vi.spyOn(Uint8Array.prototype, 'set');
    const call = watch(
      clock,
      client.withLiveKeys(() => 1, { timeout: 500 }),
    );
    await clock.advance(5_000);
    await client.close();
    const copies = (set.mock.contexts as Uint8Array[]).filter(({ length }) => length === A.length);
    set.mockRestore();

    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(copies.length).toBeGreaterThan(0);
    expect(zeroed(copies)).toBe(true);
  });

  it('ends once: what its function returns after its deadline takes no other call from close()', async () => {
    const { client, clock } = scene();
    await client.prefetch();
    const late = watch(
      clock,
      client.withLiveKeys(() => pause(clock, 200), { timeout: 100 }),
    );
    const other = watch(
      clock,
      client.withKey(() => pause(clock, 500)),
    );
    await clock.advance(300);
    const closing = watch(clock, client.close());
    await clock.advance(100);
    const before = [late.state, other.state, closing.state];
    await clock.advance(100);

    expect(before).toEqual(['rejected', 'pending', 'pending']);
    expect([other.state, closing.state]).toEqual(['resolved', 'resolved']);
  });

  it('ends within the time of an invocation', async () => {
    const { client, clock } = scene();
    await client.prefetch();
    timeLimits.shared = () => 200;
    try {
      const call = watch(
        clock,
        client.withLiveKeys(() => FOREVER),
      );
      await clock.advance(200);
      expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    } finally {
      timeLimits.shared = undefined;
    }
  });

  it('answers callers who wait though the key is evicted meanwhile', async () => {
    const { store, client, clock } = scene();
    store.latency = 1_000;
    expect(await valueAfterEviction({ client, clock })).toEqual([A]);
  });

  it('hands out every key though those that came first are evicted while the last is loaded', async () => {
    const { store, client, clock } = scene();
    store.put('pending', B);
    store.put('previous', C);
    const load = store.load.bind(store);
    store.load = async (request) => {
      if (request.stage === 'previous') await pause(clock, 1_000, request.signal);
      return load(request);
    };
    expect(await valueAfterEviction({ client, clock })).toEqual([A, B, C]);
  });

  it('names its timeout and the store when it was too slow, and leaves nothing at the caller’s signal', async () => {
    const { client, clock } = scene({ timeout: 3_000 });
    const { signal } = new AbortController();
    const call = watch(
      clock,
      client.withLiveKeys(() => FOREVER, { signal }),
    );
    await clock.advance(1);
    const during = getEventListeners(signal, 'abort').length;
    await clock.advance(3_000);
    expect(call.error).toMatchObject({
      message: 'The call with the live keys did not end within its `timeout`; raise it, or see what is slow.',
      provider: 'test-store',
    });
    expect([during, getEventListeners(signal, 'abort').length]).toEqual([1, 0]);
  });

  it('is refused by a closed client, waits for by close(), and checks what it is given', async () => {
    const { client, clock } = scene({ timeout: 3_000 });
    const running = watch(
      clock,
      client.withLiveKeys(() => FOREVER),
    );
    await clock.advance(1);
    const closing = watch(clock, client.close());
    await clock.advance(2_000);
    expect([running.state, closing.state]).toEqual(['pending', 'pending']);
    await clock.advance(1_000);
    expect([running.state, closing.state]).toEqual(['rejected', 'resolved']);
    await expect(client.withLiveKeys(() => 1)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });

    const { client: other } = scene();
    await expect(other.withLiveKeys(A as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    await expect(other.withLiveKeys(() => 1, { timeout: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    const reason = new Error('gone');
    await expect(other.withLiveKeys(() => 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
