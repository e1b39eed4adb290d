import { describe, expect, it } from 'vitest';
import { KeyedClient, isGoldKeyError } from '../../src/index.js';
import { manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { KeyHeldError, watch } from '../../src/watch/index.js';
import { KEY, MINUTE, scene, windows } from './scene.js';

const SPIKE = [...windows(35, 20), 200, 200];

describe('a client that is held', () => {
  it('fails its calls with a KeyHeldError that says why and what to do, and holds no key', async () => {
    const { client, minutes, alerts } = scene({ failSafe: ['spike'] });
    await minutes(SPIKE);
    const error = await client.withKey(async () => 1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KeyHeldError);
    expect(isGoldKeyError(error, 'ERR_GOLDKEY_HELD')).toBe(true);
    expect(error).toMatchObject({ name: 'KeyHeldError', retryable: false });
    expect((error as Error).message).toBe(
      'The client `gold` is held after an alert (spike): no call runs until `release()` of its watch; find out first who uses the key.',
    );
    expect(client.status()).toMatchObject({ state: 'empty', lastErrorCode: 'ERR_GOLDKEY_HELD' });
    expect(alerts).toHaveLength(1);
  });

  it('is held before `onAlert` is called', async () => {
    const codes: unknown[] = [];
    const { client, minutes } = scene({
      failSafe: ['spike'],
      onAlert: () =>
        void client.withKey(async () => 1).catch((error: unknown) => codes.push((error as { code: unknown }).code)),
    });
    await minutes(SPIKE);
    expect(codes).toEqual(['ERR_GOLDKEY_HELD']);
  });

  it('calls again after release(), and what goes on is told again', async () => {
    const { client, minutes, alerts, watching } = scene({ failSafe: ['spike'] });
    await minutes(SPIKE);
    watching.release();
    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(KEY);
    await minutes(windows(3, 200));
    expect(alerts.map(({ kind }) => kind)).toEqual(['spike', 'spike']);
    await expect(client.withKey(async () => 1)).rejects.toBeInstanceOf(KeyHeldError);
  });

  it('stays held after close(), until release()', async () => {
    const { client, minutes, watching } = scene({ failSafe: ['spike'] });
    await minutes(SPIKE);
    watching.close();
    await expect(client.withKey(async () => 1)).rejects.toBeInstanceOf(KeyHeldError);
    watching.release();
    expect(await client.withKey(async () => 1)).toBe(1);
  });

  it('is learned nothing of: an hour without calls does not make the next usual minute a spike', async () => {
    const { minutes, clock, alerts, watching } = scene({ failSafe: ['spike'] });
    await minutes([...windows(35, 100), 1_000, 1_000]);
    await clock.advance(60 * MINUTE);
    watching.release();
    await minutes(windows(5, 100));
    expect(alerts).toHaveLength(1);
  });

  it('is not one that another watch, or none, holds: release() touches it not', async () => {
    const { client, minutes } = scene({ failSafe: ['spike'] });
    await minutes(SPIKE);
    watch(client, { onAlert: () => undefined }).release();
    await expect(client.withKey(async () => 1)).rejects.toBeInstanceOf(KeyHeldError);
  });

  it('of two watches that hold it calls again once both have let go, and not before', async () => {
    const load = async () => ({ bytes: new TextEncoder().encode(KEY), version: 'v1', breakGlass: true });
    const { client, watching } = scene({ failSafe: ['break-glass'] }, { keyProvider: { name: 'store', load } });
    const other = watch(client, { failSafe: ['break-glass'], onAlert: () => undefined });
    await client.prefetch().catch(() => undefined);
    watching.release();
    watching.release();
    await expect(client.withKey(async () => 1)).rejects.toBeInstanceOf(KeyHeldError);
    other.close();
    other.release();
    watching.close();
    expect(await client.withKey(async () => 1)).toBe(1);
  });

  it('is not held again for one refusal just before the window ends in which it was let go', async () => {
    const { client, clock, alerts, watching } = scene({ failSafe: ['rejections'] });
    const refuse = async (times: number): Promise<void> => {
      for (let made = 0; made < times; made++)
        await client
          .withKey(async () => Promise.reject(Object.assign(new Error('no'), { status: 401 })))
          .catch(() => undefined);
    };
    await refuse(10);
    await clock.advance(2 * MINUTE - 10);
    watching.release();
    await refuse(1);
    await clock.advance(10);
    expect(alerts).toHaveLength(1);
    expect(client.status().lastErrorCode).not.toBe('ERR_GOLDKEY_HELD');
  });

  it.each(['rejections', 'break-glass'] as const)('may be held on %s too', async (kind) => {
    const clock = manualClock();
    const keyProvider = memoryKeyProvider({ current: KEY });
    const load = async () => ({ bytes: new TextEncoder().encode(KEY), version: '1', breakGlass: true });
    const client = new KeyedClient({
      keyProvider: kind === 'break-glass' ? { name: 'store', load } : keyProvider,
      clock,
    });
    watch(client, { rejections: 1, failSafe: [kind], onAlert: () => undefined });
    await client
      .withKey(async () => Promise.reject(Object.assign(new Error('no'), { status: 401 })))
      .catch(() => undefined);
    await clock.advance(MINUTE);
    await expect(client.withKey(async () => 1)).rejects.toBeInstanceOf(KeyHeldError);
  });

  it('is not held on a kind that is not listed', async () => {
    const { client, minutes, alerts } = scene({ failSafe: ['rejections'] });
    await minutes(SPIKE);
    expect(alerts).toHaveLength(1);
    expect(await client.withKey(async () => 1)).toBe(1);
  });
});
