import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { assertNoSecret } from '../../src/testing/index.js';
import type { WatchOptions } from '../../src/watch/index.js';
import { KEY, MINUTE, scene, type Scene } from './scene.js';

const HOUR = 60 * MINUTE;

interface Account extends Scene {
  /** What the price API has counted, without what the client made. */
  readonly counted: { extra: number; reset: number };
}

/** A client whose price API counts every call, its own and others'. */
function account(tolerance = 10, options: Partial<WatchOptions> = {}): Account {
  const counted = { extra: 500, reset: 0 };
  const usage = {
    tolerance,
    every: HOUR,
    read: async () => {
      // The watch reads once as it starts, and the scene is there after that.
      await Promise.resolve();
      return { used: made.client.status().counts.calls + counted.extra - counted.reset };
    },
  };
  const made: Scene = scene({ usage, ...options });
  return { ...made, counted };
}

describe('the price API counts', () => {
  it('as much as the client made: nothing is told', async () => {
    const { call, clock, alerts } = account();
    for (let hour = 0; hour < 30; hour++) {
      await call(100);
      await clock.advance(HOUR);
    }
    expect(alerts).toEqual([]);
  });

  it('more: somebody else has the key, which is told as critical, with both counts', async () => {
    const { call, clock, alerts, counted } = account();
    await clock.advance(1);
    await call(40);
    counted.extra += 11;
    await clock.advance(HOUR);
    expect(alerts).toMatchObject([
      { kind: 'usage-mismatch', severity: 'critical', client: 'gold', value: 51, expected: 40 },
    ]);
  });

  it('more by what is tolerated, though little by little: it is told once that is passed, and again after as much', async () => {
    const { clock, alerts, counted } = account(10);
    await clock.advance(1);
    for (let hour = 0; hour < 22; hour++) {
      counted.extra += 1;
      await clock.advance(HOUR);
    }
    expect(alerts.map(({ value }) => value)).toEqual([11, 11]);
  });

  it('from 0 again in a new month: nothing is told, and theft after it is', async () => {
    const { call, clock, alerts, counted } = account();
    await call(100);
    await clock.advance(HOUR);
    counted.reset = 600;
    await clock.advance(HOUR);
    expect(alerts).toEqual([]);
    counted.extra += 20;
    await clock.advance(HOUR);
    expect(alerts).toMatchObject([{ value: 20, expected: 0 }]);
  });

  it('retries and refused runs as well, so they are counted here', async () => {
    const { client, clock, alerts, counted } = account(0);
    await clock.advance(1);
    await client
      .withKey(async () => Promise.reject(Object.assign(new Error('no'), { status: 401 })))
      .catch(() => undefined);
    const { calls, rejections } = client.status().counts;
    expect([calls, rejections]).toEqual([1, 1]);
    counted.extra += 1;
    await clock.advance(HOUR);
    expect(alerts).toEqual([]);
  });

  it('more: all clients of the watch are held where that is asked for', async () => {
    const { client, clock, counted } = account(10, { failSafe: ['usage-mismatch'] });
    await clock.advance(1);
    counted.extra += 100;
    await clock.advance(HOUR);
    await expect(client.withKey(async () => 1)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_HELD' });
  });
});

describe('a count that cannot be read', () => {
  it.each<[string, () => Promise<{ used: number }>, string]>([
    ['because the price API is down', async () => Promise.reject(new RangeError(`of ${KEY}`)), 'RangeError'],
    ['because it is no number', async () => ({ used: NaN }), 'TypeError'],
    [
      'because `read` throws at once',
      () => {
        throw new SyntaxError(KEY);
      },
      'SyntaxError',
    ],
    ['because it does not answer within ten seconds', () => new Promise(() => undefined), 'Error'],
  ])('%s is no alert, is told by its name alone, and is read again', async (_why, read, name) => {
    const failures: unknown[] = [];
    const listen = (message: unknown): void => void failures.push(message);
    subscribe('goldkey:usage-failed', listen);
    let reads = 0;
    const usage = { tolerance: 0, every: HOUR, read: () => (reads++, read()) };
    const { clock, alerts } = scene({ usage });
    await clock.advance(2 * HOUR + 20_000);
    unsubscribe('goldkey:usage-failed', listen);
    expect(alerts).toEqual([]);
    expect(reads).toBeGreaterThanOrEqual(2);
    expect(failures[0]).toEqual({ error: name });
    assertNoSecret(failures, KEY);
  });

  it('is aborted by close()', async () => {
    let signal: AbortSignal | undefined;
    const read = async (given: { signal: AbortSignal }): Promise<never> => {
      signal = given.signal;
      return new Promise(() => undefined);
    };
    const { watching, clock, alerts } = scene({ usage: { tolerance: 0, every: HOUR, read } });
    watching.close();
    expect(signal?.aborted).toBe(true);
    await clock.advance(3 * HOUR);
    expect(alerts).toEqual([]);
  });
});
