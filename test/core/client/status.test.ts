import { describe, expect, it, vi } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import { B, pause, scene, watch } from '../scene.js';

const NOTHING = { calls: 0, loads: 0, loadFailures: 0, rejections: 0, repairs: 0, retries: 0, stale: 0, evictions: 0 };

describe('the status of a client', () => {
  it('has what is known, and no name for what is not', async () => {
    const { clock, client } = scene({ name: 'gold', ttl: 10_000, staleIfError: 5_000 });
    const before = client.status();
    await client.prefetch();
    const now = clock.now();

    expect(before).toStrictEqual({ name: 'gold', state: 'empty', loading: false, counts: NOTHING });
    expect(client.status()).toStrictEqual({
      name: 'gold',
      state: 'fresh',
      loading: false,
      version: 'v1',
      stage: 'current',
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
      loadedAt: now,
      expiresAt: now + 10_000,
      purgeAt: now + 15_000,
      counts: { ...NOTHING, loads: 1 },
    });
  });

  it('tells of the load of any stage', async () => {
    const { store, clock, client } = scene();
    await client.prefetch();
    store.latency = 100;
    const call = watch(
      clock,
      client.withLiveKeys((keys) => keys.length),
    );
    await clock.advance(50);
    const during = client.status();
    await clock.advance(50);

    expect([during.state, during.loading, client.status().loading]).toEqual(['fresh', true, false]);
    expect(call.value).toBe(1);
  });

  it('says in whole milliseconds, rounded up, when a load may start, and no longer once one may', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { store, clock, client } = scene();
    store.failure = () => new KeyProviderError('down');
    await client.prefetch().catch(() => undefined);
    vi.restoreAllMocks();
    const seen = [client.status()];
    for (const ms of [0.5, 999, 0.5]) {
      await clock.advance(ms);
      seen.push(client.status());
    }

    expect(seen.map(({ state, retryAfter }) => [state, retryAfter])).toEqual([
      ['backing-off', 1_000],
      ['backing-off', 1_000],
      ['backing-off', 1],
      ['empty', undefined],
    ]);
    expect(seen.at(-1)).not.toHaveProperty('retryAfter');
    expect(seen.at(-1)?.lastErrorCode).toBe('ERR_GOLDKEY_PROVIDER');
  });

  it('shows the current key to a client in a canary until the pending one is there', async () => {
    const { store, api, client, call } = scene();
    api.live.add(B);
    store.roll({ id: 'one', pendingPercent: 100 });
    await call();
    const without = client.status();
    store.put('pending', B);
    await client.reload();
    await call();
    const { version, stage } = client.status();

    expect([without.state, without.version, without.stage]).toEqual(['fresh', 'v1', 'current']);
    expect([version, stage]).toEqual(['v2', 'pending']);
  });

  it('is closed once close() is called, with the key as long as a call runs, and without an error', async () => {
    const { clock, client } = scene();
    watch(
      clock,
      client.withKey(() => pause(clock, 100)),
    );
    await clock.advance(1);
    const closing = client.close();
    const during = client.status();
    await clock.advance(100);
    await closing;
    const after = client.status();

    expect([during.state, during.version]).toEqual(['closed', 'v1']);
    expect([after.state, after.version]).toEqual(['closed', undefined]);
    for (const status of [during, after]) expect(status).not.toHaveProperty('lastErrorCode');
  });
});
