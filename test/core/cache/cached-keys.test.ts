import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { describe, expect, it } from 'vitest';
import { CachedKeys, type CacheUser } from '../../../src/core/cache/cached-keys.js';
import type { CachedKey } from '../../../src/core/cache/cached-key.js';
import { REPORT_USE } from '../../../src/core/cache/report-use.js';
import { checkOptions } from '../../../src/core/options.js';
import type { Stage } from '../../../src/index.js';
import { manualClock, type ManualClock } from '../../../src/testing/index.js';
import { A, B, C, testStore } from '../scene.js';

const TTL = 10_000;

interface Held {
  readonly clock: ManualClock;
  readonly keys: CachedKeys;
  /** Caches a key as a load does. */
  put(stage: Stage, key: string, version: string): CachedKey;
}

/** The keys of one store, for which no client loads anything. */
function hold(more: object = {}): Held {
  const clock = manualClock();
  const keyProvider = Object.assign(testStore(clock, {}), more);
  const keys = new CachedKeys(checkOptions('KeyedClient', { keyProvider, clock, ttl: TTL, ttlJitter: 0 }));
  return {
    clock,
    keys,
    put(stage, key, version) {
      const bytes = Uint8Array.from(Buffer.from(key));
      return keys.store(keys.stage(stage), bytes, version, keys.computeLifetime({ bytes, version }, {})).key;
    },
  };
}

/** A client that listens to some events, and what it was told. */
function user(...events: string[]): CacheUser & { readonly told: string[] } {
  const told: string[] = [];
  return {
    name: 'user',
    told,
    hasListener: (event) => events.includes(event),
    notify: (event) => void told.push(event),
    rolloutChanged: () => void told.push('(rollout)'),
    openGate: () => undefined,
  };
}

describe('the stages', () => {
  it('are listed in one order, whichever was in use first', () => {
    const { keys } = hold();
    const [previous, pending] = [keys.stage('previous'), keys.stage('pending')];

    expect(keys.stages.map(({ name }) => name)).toEqual(['current', 'pending', 'previous']);
    expect([previous.name, pending.name]).toEqual(['previous', 'pending']);
    expect([keys.stage('previous'), keys.stage('pending')]).toEqual([previous, pending]);
  });
});

describe('what may not be shown', () => {
  it('is every key held, once', () => {
    const { keys, put } = hold();
    put('current', A, 'v1');
    put('pending', B, 'v2');
    put('previous', A, 'v1');

    expect(keys.secrets).toEqual([A, B]);
    expect(keys.goneForms).toEqual([]);
  });

  it('is a zeroed key as long as a call holds it, and its forms from then on', () => {
    const { keys, put } = hold();
    const key = put('current', A, 'v1');
    key.hold();
    keys.drop(keys.current, 'evict');
    const during = keys.secrets;
    const forms = keys.goneForms.length;
    put('current', B, 'v2');
    keys.drop(keys.current, 'evict');
    const beside = keys.secrets;
    key.release();
    const after = keys.secrets;
    put('current', C, 'v3');
    keys.drop(keys.current, 'evict');

    expect([during, beside, after, keys.secrets]).toEqual([[A], [A], [], []]);
    expect(forms).toBeGreaterThan(0);
    expect(keys.goneForms.length).toBe(3 * forms);
  });

  it('is no key that nobody holds, and none is noted twice', () => {
    const { keys, put } = hold();
    const key = put('current', A, 'v1');
    keys.zero(key);
    const forms = keys.goneForms.length;
    keys.zero(key);

    expect(keys.secrets).toEqual([]);
    expect(keys.goneForms.length).toBe(forms);
  });
});

describe('a key that is replaced', () => {
  it('is kept as `previous` with a rollout, until the store has confirmed it', () => {
    const { keys, put } = hold();
    keys.applyRollout({ id: 'one', pendingPercent: 0 });
    const first = put('current', A, 'v1');
    const { digest } = first;
    put('current', B, 'v2');
    const previous = keys.stage('previous');
    const kept = previous.key as CachedKey;

    expect(kept).toMatchObject({ stage: 'previous', version: 'v1', text: A, digest, needsRevalidation: true });
    expect([previous.name, previous.digest]).toEqual(['previous', digest]);
    expect(first.isZeroed).toBe(true);
    expect([keys.getUsableKey(previous), keys.getStaleKey(previous)]).toEqual([kept, undefined]);
    expect(keys.isFresh(kept)).toBe(false);

    put('current', C, 'v3');

    expect(kept.isZeroed).toBe(true);
    expect(previous.key).toMatchObject({ version: 'v2', text: B });
  });

  it('is kept neither without a rollout nor for another stage', () => {
    const { keys, put } = hold();
    put('current', A, 'v1');
    put('current', B, 'v2');
    keys.applyRollout({ id: 'one', pendingPercent: 0 });
    put('pending', A, 'v1');
    put('pending', C, 'v3');

    expect(keys.stage('previous').key).toBeUndefined();
  });
});

describe('a key that may be told of as known', () => {
  it('is the stage’s own, also expired, and of other stages one that has not', () => {
    const { clock, keys, put } = hold();
    const pending = put('pending', B, 'v2');
    clock.setWall(clock.now() + 1);
    const current = put('current', A, 'v1');
    const list = (stage: Stage): CachedKey[] => keys.listReusableKeys(keys.stage(stage));

    expect([list('current'), list('pending'), list('previous')]).toEqual([
      [current, pending],
      [pending, current],
      [current, pending],
    ]);
    clock.setWall(clock.now() + TTL - 1);
    expect([list('current'), list('pending')]).toEqual([[current], [pending, current]]);
  });
});

describe('the life of a key', () => {
  it('that has expired elsewhere is a millisecond at most', () => {
    const { clock, keys, put } = hold();
    const key = put('current', A, 'v1');
    const rest = { ...key.lifetime, expiresAt: clock.now() - 5 };

    expect(keys.computeLifetime({ version: 'v1', unchanged: true }, rest, rest).expiresAt).toBe(clock.now() + 1);
  });

  it('without a report of its use is warm to the given moment, and with one for a minute', () => {
    for (const [more, expected] of [
      [{}, { warmUntil: 100_000, firstSuccessPending: undefined }],
      [{ [REPORT_USE]: () => undefined }, { warmUntil: 60_000, firstSuccessPending: 'unreported' }],
    ] as const) {
      const { clock, keys, put } = hold(more);
      const key = put('current', A, 'v1');
      keys.setWarmUntil(key, clock.now() + 100_000);

      expect(key.warmUntil - clock.now()).toBe(expected.warmUntil);
      expect(key.firstSuccessPending).toBe(expected.firstSuccessPending);
    }
  });
});

describe('a rollout', () => {
  it('of another id has the `pending` key confirmed anew, and no other key', () => {
    const { keys, put } = hold();
    keys.applyRollout({ id: 'one', pendingPercent: 1 });
    const held = [put('current', A, 'v1'), put('pending', B, 'v2'), put('previous', C, 'v0')];
    const needs = (): boolean[] => held.map(({ needsRevalidation }) => needsRevalidation);
    keys.applyRollout({ id: 'one', pendingPercent: 50 });
    const same = needs();
    keys.applyRollout({ id: 'two', pendingPercent: 50 });

    expect([same, needs()]).toEqual([
      [false, false, false],
      [false, true, false],
    ]);
  });

  it('may come first, and where there is no `pending` key', () => {
    const { keys, put } = hold();
    keys.stage('pending');
    put('current', A, 'v1');
    keys.applyRollout({ id: 'one', pendingPercent: 1 });
    keys.applyRollout({ id: 'two', pendingPercent: 1 });

    expect(keys.rollout).toEqual({ id: 'two', pendingPercent: 1 });
  });

  it('that only lasts longer is no event, but has absent keys asked for again', () => {
    const { keys } = hold();
    const client = user('rollout-changed');
    keys.users = [client];
    keys.applyRollout({ id: 'one', pendingPercent: 1, previousUntil: 1_000 });
    keys.current.absentUntil = 5;
    keys.applyRollout({ id: 'one', pendingPercent: 1, previousUntil: 1_000 });
    const same = [keys.current.absentUntil, client.told.length];
    keys.applyRollout({ id: 'one', pendingPercent: 1, previousUntil: 2_000 });

    expect(same).toEqual([5, 2]);
    expect(keys.current.absentUntil).toBe(0);
    expect(client.told).toEqual(['(rollout)', 'rollout-changed', '(rollout)']);
  });

  it('that ends is an event; one that is none from the start is not', () => {
    const { keys } = hold();
    const client = user('rollout-changed');
    keys.users = [client];
    keys.applyRollout({ id: '', pendingPercent: 0 });
    const first = [...client.told];
    keys.applyRollout({ id: 'one', pendingPercent: 1 });
    keys.applyRollout({ id: '', pendingPercent: 0 });

    expect(first).toEqual(['(rollout)']);
    expect(client.told).toEqual(['(rollout)', '(rollout)', 'rollout-changed', '(rollout)', 'rollout-changed']);
  });
});

describe('the end of a key', () => {
  it('comes for one stage although another has none', async () => {
    const { clock, keys, put } = hold();
    const key = put('pending', B, 'v2');
    await clock.advance(key.lifetime.purgeAt - clock.now());

    expect([key.isZeroed, keys.stage('pending').key]).toEqual([true, undefined]);
  });
});

describe('an event', () => {
  it('is told in full where the channel alone listens', () => {
    const { keys, put } = hold();
    const key = put('current', A, 'v1');
    const told: unknown[] = [];
    const listen = (message: unknown): void => void told.push(message);
    keys.users = [user()];
    subscribe('goldkey:evicted', listen);
    keys.emit('evicted', key, () => ({ reason: 'because' }));
    unsubscribe('goldkey:evicted', listen);

    expect(told).toMatchObject([{ name: 'user', version: 'v1', reason: 'because' }]);
  });

  it('is put together only for who listens, once for all of them', () => {
    const { keys, put } = hold();
    const key = put('current', A, 'v1');
    let made = 0;
    const tell = (): void => keys.emit('evicted', key, () => ({ reason: String(++made) }));
    tell();
    keys.users = [user(), user('loaded')];
    tell();
    const before = made;
    const [one, two] = [user('evicted'), user('evicted')];
    keys.users = [one, user(), two];
    tell();

    expect([before, made]).toEqual([0, 1]);
    expect([one.told, two.told]).toEqual([['evicted'], ['evicted']]);
  });
});
