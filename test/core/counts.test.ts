import { describe, expect, it } from 'vitest';
import { isGoldKeyError, KeyAccessDeniedError, KeyProviderError } from '../../src/index.js';
import { SECOND, setUp, steady, tally, THIRD } from './helpers.js';

describe('a herd', () => {
  it('of 1,000 cold callers costs one load', async () => {
    const { clock, keys, gold } = setUp();
    keys.delay = 120;

    const calls = Array.from({ length: 1_000 }, () => gold.getPrice());
    await clock.advance(120);

    expect(await tally(calls)).toEqual({ good: 1_000, failed: {} });
    expect(keys.loads).toBe(1);
    await gold.close();
  });

  it('of 1,000 callers after the expiry costs one load', async () => {
    const { clock, keys, gold } = setUp();
    await gold.getPrice();
    await clock.advance(300_001);
    keys.delay = 120;

    const calls = Array.from({ length: 1_000 }, () => gold.getPrice());
    await clock.advance(120);

    expect(await tally(calls)).toEqual({ good: 1_000, failed: {} });
    expect(keys.loads).toBe(2);
    await gold.close();
  });

  it('of 1,000 calls in flight, all refused after a rotation, costs one load, no error and at most 2,000 runs', async () => {
    const { clock, keys, desk, gold } = setUp();
    await gold.getPrice();
    desk.calls = 0;
    keys.set('current', SECOND);
    desk.rotateTo(SECOND);
    keys.delay = 120;

    const calls = Array.from({ length: 1_000 }, () => gold.getPrice());
    await clock.advance(120);

    expect(await tally(calls)).toEqual({ good: 1_000, failed: {} });
    expect(keys.loads).toBe(2);
    expect(desk.calls).toBeLessThanOrEqual(2_000);
    expect(gold.status().counts).toMatchObject({ rejections: 1_000, repairs: 1_000, loads: 2 });
    await gold.close();
  });
});

describe('a revoked key', () => {
  it('at 500 calls a second for 5 s costs at most two loads, and every caller is told', async () => {
    const stage = setUp();
    await stage.gold.getPrice();
    stage.desk.rotateTo();
    const before = stage.keys.loads;

    const calls = await steady(stage, { perSecond: 500, ms: 5_000 });

    const { good, failed } = await tally(calls.map(({ call }) => call));
    expect(good).toBe(0);
    expect(failed).toEqual({ ERR_GOLDKEY_REJECTED: 2_500 });
    expect(stage.keys.loads - before).toBeLessThanOrEqual(2);
    await stage.gold.close();
  });

  it('is asked for again after 5, 10, 20 and then every 30 s', async () => {
    const stage = setUp({ ttl: 2_000_000_000 });
    await stage.gold.getPrice();
    stage.desk.rotateTo();
    const reloads: number[] = [];
    const start = stage.clock.now();
    stage.gold.on('loaded', ({ at, stage: of }) => {
      if (of === 'current') reloads.push(Math.round((at - start) / 1_000));
    });

    const calls = await steady(stage, { perSecond: 10, ms: 100_000 });
    await tally(calls.map(({ call }) => call));

    expect(reloads).toEqual([0, 5, 15, 35, 65, 95]);
    await stage.gold.close();
  });

  it('says for how long at least', async () => {
    const { desk, gold } = setUp();
    await gold.getPrice();
    desk.rotateTo();

    const error: unknown = await gold.getPrice().catch((reason: unknown) => reason);

    expect(isGoldKeyError(error, 'ERR_GOLDKEY_REJECTED')).toBe(true);
    expect(error).toMatchObject({ retryAfter: 5_000, retryable: false, cause: { status: 401 } });
    await gold.close();
  });
});

describe('a rotation', () => {
  it('followed by another 3 s later loses no call', async () => {
    const stage = setUp();
    await stage.gold.getPrice();

    const calls = await steady(stage, {
      perSecond: 100,
      ms: 6_000,
      at(elapsed) {
        const next = { 1_000: SECOND, 4_000: THIRD }[elapsed];
        if (next === undefined) return;
        stage.keys.set('current', next);
        stage.desk.rotateTo(next);
      },
    });

    expect(await tally(calls.map(({ call }) => call))).toEqual({ good: 600, failed: {} });
    await stage.gold.close();
  });

  it('that reaches the price API 4 s before the store fails calls for at most 5 s after the store has it', async () => {
    const stage = setUp();
    await stage.gold.getPrice();

    const calls = await steady(stage, {
      perSecond: 100,
      ms: 12_000,
      at(elapsed) {
        if (elapsed === 0) stage.desk.rotateTo(SECOND);
        if (elapsed === 4_000) stage.keys.set('current', SECOND);
      },
    });

    const late = calls.filter(({ at }) => at >= 9_000).map(({ call }) => call);
    expect(await tally(late)).toEqual({ good: late.length, failed: {} });
    await stage.gold.close();
  });
});

describe('a store that is down', () => {
  it('throttled for 3 s after the expiry fails no call', async () => {
    const stage = setUp();
    await stage.gold.getPrice();
    await stage.clock.advance(300_001);
    stage.keys.failWith(() => new KeyProviderError('throttled'));
    const before = stage.keys.loads;

    const calls = await steady(stage, {
      perSecond: 500,
      ms: 4_000,
      at(elapsed) {
        if (elapsed === 3_000) stage.keys.failWith(undefined);
      },
    });

    expect(await tally(calls.map(({ call }) => call))).toEqual({ good: 2_000, failed: {} });
    expect(stage.keys.loads - before).toBeLessThanOrEqual(5);
    expect(stage.gold.status().counts.stale).toBeGreaterThan(0);
    await stage.gold.close();
  });

  it('for good drops the cached key at once', async () => {
    const { clock, keys, gold } = setUp();
    await gold.getPrice();
    await clock.advance(250_000);
    keys.failWith(() => new KeyAccessDeniedError('revoked'));

    await gold.getPrice();
    await gold.settled();

    expect(gold.status().fingerprint).toBeUndefined();
    expect(await tally([gold.getPrice()])).toEqual({ good: 0, failed: { ERR_GOLDKEY_ACCESS_DENIED: 1 } });
    await gold.close();
  });

  it('is asked at most once per back-off step when there is no key', async () => {
    const stage = setUp();
    stage.keys.failWith(() => new KeyProviderError('down'));

    const calls = await steady(stage, { perSecond: 100, ms: 10_000 });

    const { good, failed } = await tally(calls.map(({ call }) => call));
    expect({ good, failed }).toEqual({ good: 0, failed: { ERR_GOLDKEY_PROVIDER: 1_000 } });
    // Windows drawn from [d/2, d] with d = 1, 2, 4, 8 s: at the least 0.5 + 1 + 2 + 4 s pass before the fifth load.
    expect(stage.keys.loads).toBeLessThanOrEqual(5);
    expect(stage.keys.loads).toBeGreaterThanOrEqual(4);
    await stage.gold.close();
  });
});

describe('a steady load over expiries', () => {
  it('makes no caller wait and uses no key past its life', async () => {
    const stage = setUp({ ttl: 2_000, staleIfError: 0 });
    await stage.gold.getPrice();
    stage.keys.delay = 120;

    const calls = await steady(stage, { perSecond: 500, ms: 10_000 });

    expect(await tally(calls.map(({ call }) => call))).toEqual({ good: 5_000, failed: {} });
    expect(stage.keys.loads).toBeLessThanOrEqual(11);
    expect(stage.desk.calls).toBe(5_001);
    await stage.gold.close();
  });
});
