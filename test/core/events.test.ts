import { channel } from 'node:diagnostics_channel';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeyProviderError, type KeyEvents } from '../../src/index.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { FIRST, SECOND, setUp, THIRD, type Stage } from './helpers.js';
import { B, scene } from './scene.js';

const NAMES = [
  'loaded',
  'load-failed',
  'stale',
  'evicted',
  'key-rejected',
  'repaired',
  'retry',
  'trimmed',
  'rollout-changed',
  'rollout-reverted',
  'break-glass',
  'closed',
] as const satisfies ReadonlyArray<keyof KeyEvents>;

const unsubscribe: Array<() => void> = [];
afterEach(() => {
  for (const stop of unsubscribe.splice(0)) stop();
});

/** Everything that is told, on the client and on the channels. */
function listenTo({ gold }: Stage): { told: Array<[string, object]>; published: Array<[string, object]> } {
  const told: Array<[string, object]> = [];
  const published: Array<[string, object]> = [];
  for (const name of NAMES) {
    gold.on(name, (payload) => told.push([name, payload]));
    const onMessage = (payload: unknown): void => void published.push([name, payload as object]);
    channel(`goldkey:${name}`).subscribe(onMessage);
    unsubscribe.push(() => channel(`goldkey:${name}`).unsubscribe(onMessage));
  }
  return { told, published };
}

async function live(stage: Stage): Promise<void> {
  const { gold, keys, desk, clock } = stage;
  await gold.getPrice();
  keys.set('current', SECOND);
  desk.rotateTo(SECOND);
  await gold.getPrice();
  keys.failWith(() => new KeyProviderError(`the store quotes ${SECOND} in its error`));
  await clock.advance(300_001);
  await gold.getPrice();
  gold.evict('leaked');
  await gold.getPrice().catch(() => undefined);
  keys.failWith(undefined);
  await clock.advance(2_000);
  desk.rotateTo(THIRD);
  await gold.getPrice().catch(() => undefined);
  await gold.close();
}

describe('events', () => {
  it('tell the life of a key in order, and the same on the diagnostics channels', async () => {
    const stage = setUp({ name: 'gold' });
    const { told, published } = listenTo(stage);

    await live(stage);

    expect(told.map(([name]) => name)).toEqual([
      'loaded',
      'key-rejected',
      'loaded',
      'repaired',
      'load-failed',
      'stale',
      'evicted',
      'loaded',
      'key-rejected',
      'loaded',
      'closed',
    ]);
    expect(published).toEqual(told);
    for (const [, payload] of told) {
      expect(payload).toMatchObject({
        name: 'gold',
        provider: 'memory',
        stage: 'current',
        at: expect.any(Number) as number,
      });
    }
  });

  it('hold no key, neither one held nor one that was', async () => {
    const stage = setUp();
    const { told, published } = listenTo(stage);
    await live(stage);
    for (const key of [FIRST, SECOND, THIRD]) assertNoSecret([told, published], key);
  });

  it('carry what they promise', async () => {
    const stage = setUp();
    const { told } = listenTo(stage);
    await live(stage);
    const first = (name: string): object => told.find(([own]) => own === name)?.[1] ?? {};
    expect(first('loaded')).toMatchObject({
      version: 'v1',
      duration: 0,
      changed: true,
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    });
    expect(first('repaired')).toMatchObject({ version: 'v2', from: 'v1' });
    expect(first('load-failed')).toMatchObject({ error: { code: 'ERR_GOLDKEY_PROVIDER' } });
    expect((first('load-failed') as KeyEvents['load-failed']).retryAfter).toBeGreaterThanOrEqual(500);
    expect(first('stale')).toMatchObject({ version: 'v2', age: 300_001, error: { code: 'ERR_GOLDKEY_PROVIDER' } });
    expect(first('evicted')).toMatchObject({ reason: 'leaked' });
  });

  it('of two clients of one provider name each its own, and the channel hears once', async () => {
    const stage = setUp({ name: 'one' });
    const { published } = listenTo(stage);
    const other = setUp({ keyProvider: stage.keys, clock: stage.clock, name: 'two' }).gold;
    const heard: string[] = [];
    other.on('loaded', ({ name }) => heard.push(name));

    await stage.gold.getPrice();

    expect(heard).toEqual(['two']);
    expect(published).toHaveLength(1);
    await Promise.all([stage.gold.close(), other.close()]);
  });

  it('on a channel say all that they do on a client, though no client is listened to', async () => {
    const { gold } = setUp();
    const published: unknown[] = [];
    const onMessage = (payload: unknown): void => void published.push(payload);
    channel('goldkey:loaded').subscribe(onMessage);
    unsubscribe.push(() => channel('goldkey:loaded').unsubscribe(onMessage));

    await gold.getPrice();

    expect(published).toMatchObject([{ name: 'memory', version: 'v1', changed: true, duration: 0 }]);
    await gold.close();
  });

  it('of one client alone are told on a channel too, though no client is listened to', async () => {
    const { client, api, store } = scene();
    const published: unknown[] = [];
    const onMessage = (payload: unknown): void => void published.push(payload);
    channel('goldkey:repaired').subscribe(onMessage);
    unsubscribe.push(() => channel('goldkey:repaired').unsubscribe(onMessage));
    await client.withKey(api.fetch);
    store.put('current', B);
    api.live.clear();
    api.live.add(B);
    await client.withKey(api.fetch);

    expect(published).toEqual([expect.objectContaining({ provider: 'test-store', version: 'v2', from: 'v1' })]);
  });

  it('reach nobody who has stopped listening, and twice one who listens twice', async () => {
    const { gold } = setUp();
    const listener = vi.fn();
    const stops = [gold.on('loaded', listener), gold.on('loaded', listener), gold.on('loaded', listener)];
    stops[0]?.();
    await gold.getPrice();
    expect(listener).toHaveBeenCalledTimes(2);
    await gold.close();
  });

  it('are not harmed by a listener that throws or rejects', async () => {
    const { gold } = setUp();
    const after = vi.fn();
    gold.on('loaded', () => {
      throw new Error('mine');
    });
    gold.on('loaded', (() => Promise.reject(new Error('mine too'))) as never);
    gold.on('loaded', after);
    expect(await gold.getPrice()).toBe('XAU 2000');
    expect(after).toHaveBeenCalledOnce();
    await gold.close();
  });
});

describe('status', () => {
  it('is never undefined, never loads and never shows the key', async () => {
    const { gold, keys } = setUp();
    expect(gold.status()).toMatchObject({ name: 'memory', state: 'empty', loading: false });
    expect(keys.loads).toBe(0);
    await gold.getPrice();
    const status = gold.status();
    expect(status).toMatchObject({
      state: 'fresh',
      version: 'v1',
      stage: 'current',
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    });
    expect(status.expiresAt).toBe((status.loadedAt ?? 0) + 300_000);
    expect(status.purgeAt).toBe((status.loadedAt ?? 0) + 900_000);
    assertNoSecret(status, FIRST);
    assertNoSecret(gold, FIRST);
    await gold.close();
    expect(gold.status().state).toBe('closed');
  });

  it('is backing off while nothing is held and no load may start', async () => {
    const { gold, keys, clock } = setUp();
    keys.failWith(() => new KeyProviderError('down'));
    await gold.getPrice().catch(() => undefined);
    const { state, retryAfter, lastErrorCode } = gold.status();
    expect({ state, lastErrorCode }).toEqual({ state: 'backing-off', lastErrorCode: 'ERR_GOLDKEY_PROVIDER' });
    expect(retryAfter).toBeGreaterThan(0);
    await clock.advance(1_001);
    expect(gold.status().state).toBe('empty');
    await gold.close();
  });

  it('redacts what a logger is given, and nothing else', async () => {
    const { gold } = setUp();
    await gold.getPrice();
    const clean = { a: [1, 'x'] };
    expect(gold.redact(clean)).toBe(clean);
    const line = { msg: `GET /?key=${FIRST}`, nested: { headers: new Map([['auth', FIRST]]) } };
    const redacted = gold.redact(line);
    assertNoSecret(redacted, FIRST);
    expect(redacted.msg).toBe('GET /?key=[REDACTED]');
    expect(line.nested.headers.get('auth')).toBe(FIRST);
    await gold.close();
  });
});
