import { describe, expect, it } from 'vitest';
import {
  GoldKeyError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyFormatError,
  KeyNotFoundError,
  KeyProviderError,
  KeyTimeoutError,
  MissingPackageError,
  type Clock,
  type LoadRequest,
  type Rollout,
} from '../../../src/index.js';
import { CLOCK, FRESH_UNTIL } from '../../../src/core/util/clock.js';
import { A, B, loadsOf, pause, scene, watch, zeroed } from '../scene.js';

const bytesOf = (key: string): Uint8Array => new TextEncoder().encode(key);

describe('what a store is asked', () => {
  it('is the stage, with a signal, and what is known only if something is', async () => {
    const { store, clock, client } = scene({ ttl: 10_000, refreshAhead: 0 });
    const requests: LoadRequest[] = [];
    const load = store.load.bind(store);
    store.load = async (request) => {
      requests.push(request);
      return load(request);
    };
    await client.prefetch();
    await clock.advance(10_001);
    await client.prefetch();

    expect(requests.map((request) => Object.keys(request))).toEqual([
      ['stage', 'signal'],
      ['stage', 'signal', 'known'],
    ]);
    expect(requests.every(({ signal }) => signal instanceof AbortSignal && !signal.aborted)).toBe(true);
  });

  it('carries the client’s clock, and the expiry of a key that is not due yet', async () => {
    const { store, clock, client } = scene({ ttl: 10_000, refreshAhead: 2_000 });
    const start = clock.now();
    const told: unknown[] = [];
    const load = store.load.bind(store);
    store.load = async (request) => {
      const { [CLOCK]: itsClock, [FRESH_UNTIL]: freshUntil } = request as { [CLOCK]?: Clock; [FRESH_UNTIL]?: number };
      told.push([itsClock === clock, freshUntil === undefined ? undefined : freshUntil - start]);
      return load(request);
    };
    await client.prefetch();
    for (const ms of [7_999, 8_000, 12_000]) {
      await clock.advance(ms);
      await client.reload();
    }

    // Loaded at 0, 7,999 and 15,999 ms; due 8,000 ms later, and expired 10,000 ms later.
    expect(told).toEqual([
      [true, undefined],
      [true, 10_000],
      [true, undefined],
      [true, undefined],
    ]);
  });

  it('ends at `keyTimeout`, to the millisecond, with an error that says so, and aborts the signal with it', async () => {
    const { store, clock, client } = scene({ keyTimeout: 700 });
    let signal: AbortSignal | undefined;
    store.load = (request) => {
      signal = request.signal;
      return new Promise(() => undefined);
    };
    const waiting = watch(clock, client.prefetch());
    await clock.advance(699);
    const before = [waiting.state, signal?.aborted];
    await clock.advance(1);

    expect(before).toEqual(['pending', false]);
    expect(waiting.error).toMatchObject({
      code: 'ERR_GOLDKEY_KEY_TIMEOUT',
      message: 'The key store `test-store` did not answer within 700 ms.',
      provider: 'test-store',
    });
    expect(signal?.reason).toBe(waiting.error);
  });

  it('that has been answered is not aborted later', async () => {
    const { store, clock, client } = scene({ keyTimeout: 700 });
    const signals: AbortSignal[] = [];
    store.load = async ({ signal }) => {
      signals.push(signal);
      return { bytes: bytesOf(A), version: 'v1' };
    };
    await client.prefetch();
    await clock.advance(1_000);
    await client.close();

    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('is its rollout only with `current`, within the same `keyTimeout`', async () => {
    const { store, clock, client, api, call } = scene({ keyTimeout: 700 }, { current: A, previous: B });
    let read = 0;
    let aborted: unknown;
    store.rollout = async ({ signal }) => {
      read++;
      await pause(clock, 10_000, signal).catch((reason: unknown) => (aborted = reason));
      return { id: 'one', pendingPercent: 100 };
    };
    store.latency = 500;
    api.live.delete(A);
    const first = watch(clock, client.prefetch());
    await clock.advance(699);
    const before = first.state;
    await clock.advance(1);

    expect([before, first.state]).toEqual(['pending', 'resolved']);
    expect(aborted).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
    const repaired = watch(clock, call());
    await clock.advance(5_000);
    expect(repaired.value).toBe(`price by ${B}`);
    expect(read).toBe(loadsOf(store).length);
    expect(loadsOf(store, 'previous')).toHaveLength(1);
  });

  it('keeps the last rollout known when it cannot be read again', async () => {
    const { store, client, call } = scene({}, { current: A, pending: B });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    store.rollout = () => Promise.reject(new Error('down')) as Promise<Rollout>;
    await client.reload();

    expect(await call()).toBe(`price by ${B}`);
  });
});

describe('what arrives too late', () => {
  it.each<[string, (ms: number) => Promise<unknown>]>([
    ['a key', async () => ({ bytes: bytesOf(A), version: 'v1' })],
    ['nothing', async () => undefined],
    ['null', async () => null],
    ['a key of text', async () => ({ bytes: A, version: 'v1' })],
    ['an error', () => Promise.reject(new Error('late'))],
  ])('%s, harms nobody, and its bytes are zeroed', async (_, answer) => {
    const { store, clock, client } = scene({ keyTimeout: 100 });
    const late: Uint8Array[] = [];
    store.load = async () => {
      await pause(clock, 200);
      const found = (await answer(0)) as { bytes?: unknown } | null | undefined;
      if (found?.bytes instanceof Uint8Array) late.push(found.bytes);
      return found as never;
    };
    const waiting = watch(clock, client.prefetch());
    await clock.advance(300);

    expect(waiting.error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
    expect(zeroed(late)).toBe(true);
    expect(client.status().version).toBeUndefined();
  });
});

describe('what a store throws', () => {
  it.each<[string, unknown, string]>([
    ['an error', new TypeError('no'), 'TypeError'],
    ['an error whose name could be a key', Object.assign(new Error('no'), { name: 'sk_live_4f9aQ2zP7x' }), 'Error'],
    ['text', 'no', 'a value of type string'],
    ['null', null, 'null'],
    [
      'an error with a trap for a name',
      Object.defineProperty(new Error('no'), 'name', {
        get() {
          throw new Error('trap');
        },
      }),
      'Error',
    ],
  ])('%s, is an error of the store, may pass, and is named by its kind', async (_, thrown, kind) => {
    const { store, client } = scene();
    store.failure = () => thrown;
    const error = (await client.prefetch().catch((reason: unknown) => reason)) as KeyProviderError;

    expect(error).toBeInstanceOf(KeyProviderError);
    expect(error).toMatchObject({
      message: `The key store \`test-store\` failed (${kind}); its error is the \`cause\`.`,
      provider: 'test-store',
      retryable: true,
    });
  });

  it.each<[string, (typeof GoldKeyError)['prototype']]>(
    [
      KeyNotFoundError,
      KeyAccessDeniedError,
      KeyDecryptError,
      KeyFormatError,
      KeyProviderError,
      KeyTimeoutError,
      MissingPackageError,
    ].map((Class) => [Class.name, new Class('as it was', { provider: 'store', version: 'v3', retryable: false })]),
  )('%s, is of its class for those who come while no load may start', async (_, thrown) => {
    const { store, clock, client } = scene();
    store.failure = () => thrown;
    const first = await client.prefetch().catch((reason: unknown) => reason);
    await clock.advance(100);
    const again = (await client.prefetch().catch((reason: unknown) => reason)) as GoldKeyError;

    expect(first).toBe(thrown);
    expect(again).not.toBe(thrown);
    expect(again.constructor).toBe(thrown.constructor);
    expect(again).toMatchObject({
      message: 'as it was',
      code: thrown.code,
      cause: thrown,
      retryable: false,
      provider: 'store',
      version: 'v3',
    });
    expect(again.retryAfter).toBeGreaterThanOrEqual(400);
    expect(loadsOf(store)).toHaveLength(1);
  });
});
