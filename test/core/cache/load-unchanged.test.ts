import { describe, expect, it } from 'vitest';
import { computeFingerprint } from '../../../src/core/cache/fingerprint.js';
import type { KeyProvider } from '../../../src/index.js';
import { A, B, refusal, scene } from '../scene.js';

const bytesOf = (key: string): Uint8Array => new TextEncoder().encode(key);
type Answer = Awaited<ReturnType<KeyProvider['load']>>;

describe('a store that says `unchanged`', () => {
  it('may say so of a key of another stage: no second reading is needed', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 }, { current: A, previous: B });
    const answers: Answer[] = [];
    const load = store.load.bind(store);
    store.load = async (request) => {
      const answer = await load(request);
      answers.push(answer);
      return answer;
    };
    await client.withKey(({ apiKey }) => (apiKey === A ? Promise.reject(refusal()) : Promise.resolve(apiKey)));
    store.put('current', B);
    await clock.advance(10_001);
    await call();
    await client.settled();

    expect(answers.at(-1)).toEqual({ unchanged: true, version: 'v2' });
    expect(await client.withKey(async ({ apiKey, stage }) => [apiKey, stage])).toEqual([B, 'current']);
  });

  it('of a key of another stage does not lengthen the life of that key', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 }, { current: A, pending: B });
    const start = clock.now();
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    await clock.advance(4_000);
    await call();
    store.put('current', B);
    store.roll({ id: '', pendingPercent: 0 });
    await clock.advance(6_001);
    await client.prefetch();
    await client.settled();

    expect(await client.withKey(async ({ apiKey, stage }) => [apiKey, stage])).toEqual([B, 'current']);
    expect(client.status()).toMatchObject({ version: 'v2', expiresAt: start + 14_000 });
    expect(store.handed).toHaveLength(2);
  });

  it('of the key that is held is told of as a load that changed nothing', async () => {
    const { clock, client } = scene({ ttl: 10_000, refreshAhead: 0 });
    const told: unknown[] = [];
    client.on('loaded', ({ version, changed, fingerprint }) => told.push([version, changed, fingerprint]));
    await client.prefetch();
    await clock.advance(10_001);
    await client.prefetch();

    expect(told).toEqual([
      ['v1', true, computeFingerprint(A)],
      ['v1', false, computeFingerprint(A)],
    ]);
    expect(client.status().counts).toMatchObject({ loads: 2, loadFailures: 0 });
  });

  it('of a version that nobody holds, and again when it is asked for the key itself, has failed', async () => {
    const { store, client, call } = scene();
    await call();
    const { status } = client;
    let asked = 0;
    store.load = async () => ({ unchanged: true, version: `other-${String(++asked)}` });

    await expect(client.reload()).rejects.toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      message: 'The key store `test-store` answered `unchanged` for a version that is not held.',
      provider: 'test-store',
      version: 'other-1',
    });
    expect(status.call(client).version).toBe('v1');
  });

  it('of nothing in particular, or although nothing was known to it, is not asked a second time', async () => {
    const loads: unknown[] = [];
    for (const cold of [true, false]) {
      const { store, clock, client } = scene({ ttl: 10_000, refreshAhead: 0 });
      if (!cold) await client.prefetch();
      await clock.advance(10_001);
      store.load = async () => ({ unchanged: true, version: cold ? 'v8' : undefined }) as never;
      await client.prefetch().catch(() => undefined);
      loads.push(client.status().counts.loads);
    }

    expect(loads).toEqual([1, 2]);
  });

  it('of a version that nobody holds is asked for the key itself', async () => {
    const { store, clock, client } = scene({ ttl: 10_000, refreshAhead: 0 });
    await client.prefetch();
    await clock.advance(10_001);
    const known: unknown[] = [];
    store.load = async (request) => {
      known.push(request.known);
      return request.known === undefined ? { bytes: bytesOf(B), version: 'v9' } : { unchanged: true, version: 'v8' };
    };
    await client.prefetch();

    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(B);
    expect(known).toEqual([['v1'], undefined]);
    expect(client.status().counts.loads).toBe(3);
  });
});
