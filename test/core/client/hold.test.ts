import { describe, expect, it } from 'vitest';
import { getClientState } from '../../../src/core/client/keyed-client.js';
import { KeyedClient, KeyRejectedError } from '../../../src/index.js';
import { FIRST, setUp } from '../helpers.js';

const createError = (): KeyRejectedError => new KeyRejectedError('held');

describe('a client that is held', () => {
  it('refuses calls, prefetch() and reload() with the error that it was given, and asks no store', async () => {
    const { gold, keys, desk } = setUp();
    await gold.getPrice('XAU');
    const loads = keys.loads;
    getClientState(gold).hold(createError, 'spike');

    const calls = [gold.getPrice('XAU'), gold.getPrice('XAU', { timeout: 50 }), gold.withLiveKeys(() => 'price')];
    for (const use of [...calls, gold.prefetch(), gold.reload()]) await expect(use).rejects.toThrow('held');
    expect([keys.loads, desk.calls]).toEqual([loads, 1]);
  });

  it('holds no key any more, and says so', async () => {
    const { gold } = setUp();
    const reasons: string[] = [];
    gold.on('evicted', ({ reason }) => reasons.push(reason));
    await gold.getPrice('XAU');
    getClientState(gold).hold(createError, 'spike');

    expect(reasons).toEqual(['spike']);
    expect(gold.status()).toMatchObject({ state: 'empty', lastErrorCode: 'ERR_GOLDKEY_REJECTED' });
    expect(gold.status().version).toBeUndefined();
  });

  it('ends the calls that run, and they repair nothing', async () => {
    const { gold, keys } = setUp();
    let runs = 0;
    const running = gold.withKey(({ signal }) => {
      runs++;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    });
    await gold.prefetch();
    const loads = keys.loads;
    getClientState(gold).hold(createError, 'spike');

    await expect(running).rejects.toThrow('held');
    expect([runs, keys.loads]).toEqual([1, loads]);
  });

  it('does not hold another client of its provider, which loads the key again', async () => {
    const { gold, keys, clock, desk } = setUp();
    const other = new KeyedClient({ keyProvider: keys, clock, ttlJitter: 0 });
    await gold.getPrice('XAU');
    getClientState(gold).hold(createError, 'spike');

    expect(await other.withKey(async ({ apiKey }) => apiKey)).toBe(FIRST);
    expect(gold.status().fingerprint).toBeUndefined();
    await expect(gold.getPrice('XAU')).rejects.toThrow('held');
    expect(desk.calls).toBe(1);
  });

  it('starts calls again once it is released', async () => {
    const { gold } = setUp();
    getClientState(gold).hold(createError, 'spike');
    getClientState(gold).release();
    expect(await gold.getPrice('XAU')).toBe('XAU 2000');
    expect(gold.status().lastErrorCode).toBeUndefined();
  });

  it('closes like any other, and cannot be held or released then', async () => {
    const { gold } = setUp();
    getClientState(gold).hold(createError, 'spike');
    await gold.close();
    getClientState(gold).release();
    getClientState(gold).hold(createError, 'spike');
    await expect(gold.getPrice('XAU')).rejects.toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(gold.status().state).toBe('closed');
  });
});
