import { describe, expect, it } from 'vitest';
import type { KeyedClientOptions } from '../../../src/index.js';
import { A, B, pause, refusal, scene, watch } from '../scene.js';

const broken = new Error('broken');
const throws = (): never => {
  throw broken;
};

/** A response whose body notes when it is cancelled. */
function responseWith(status: number, ends: unknown[]): Response {
  return new Response(new ReadableStream({ cancel: (reason) => void ends.push(reason) }), { status });
}

describe('the body of a response that the caller does not get', () => {
  it.each<[string, Partial<KeyedClientOptions>]>([
    ['`isKeyRejected` throws', { isKeyRejected: throws }],
    ['`isKeyRejected` rejects', { isKeyRejected: async () => throws() }],
    ['`isTransient` throws', { retry: true, isTransient: throws }],
  ])('is cancelled when %s', async (_, options) => {
    const { clock, client } = scene(options);
    const ends: unknown[] = [];

    const call = watch(
      clock,
      client.withKey(async () => responseWith(200, ends)),
    );
    await clock.advance(1);

    expect(call.error).toBe(broken);
    expect(ends).toHaveLength(1);
  });

  it('is cancelled when the call ends in the pause before a retry', async () => {
    const { clock, client } = scene({ retry: true });
    const ends: unknown[] = [];
    const controller = new AbortController();

    const call = watch(
      clock,
      client.withKey(async () => responseWith(503, ends), { signal: controller.signal }),
    );
    await clock.advance(50);
    controller.abort(broken);
    await clock.advance(1);

    expect(call.error).toBe(broken);
    expect(ends).toHaveLength(1);
  });

  it.each([1, 2])('is cancelled when run %i of the function returns it after the deadline', async (late) => {
    const { store, clock, client } = scene({ timeout: 100 });
    await client.prefetch();
    store.put('current', B);
    const ends: unknown[] = [];

    const call = watch(
      clock,
      client.withKey(async ({ attempt }) => {
        if (attempt < late) throw refusal();
        await pause(clock, 200);
        return responseWith(200, ends);
      }),
    );
    await clock.advance(300);

    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(ends).toHaveLength(1);
  });

  it('is not cancelled when no key is left for a retry: the caller gets the response', async () => {
    const retry = { retries: 1, minTimeout: 100, randomize: false };
    const { store, clock, client } = scene({ retry }, { current: A, previous: B });
    const call = watch(
      clock,
      client.withKey(async ({ apiKey }) => {
        if (apiKey === A) throw refusal();
        return new Response('busy', { status: 503 });
      }),
    );
    await clock.advance(50);
    store.put('previous', undefined);
    client.evict();
    await clock.advance(5_000);

    expect(await call.value?.text()).toBe('busy');
  });
});
