import { afterEach, describe, expect, it, vi } from 'vitest';
import { computeRetryDelay, withRetries, type RetryLoopOptions } from '../../../src/core/recovery/retry.js';
import { manualClock } from '../../../src/testing/index.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs that end one after the other as `ends` says: an Error or anything marked is thrown, a text returned. */
function runs(ends: readonly unknown[]): { run: (attempt: number) => Promise<unknown>; attempts: number[] } {
  const attempts: number[] = [];
  return {
    attempts,
    run: async (attempt) => {
      const end = ends[attempts.length];
      attempts.push(attempt);
      if (typeof end === 'string') return end;
      throw end;
    },
  };
}

function setUp(given: Partial<RetryLoopOptions> = {}): {
  clock: ReturnType<typeof manualClock>;
  getDelay: ReturnType<typeof vi.fn<RetryLoopOptions['getDelay']>>;
  options: RetryLoopOptions;
} {
  const clock = manualClock();
  const getDelay = vi.fn<RetryLoopOptions['getDelay']>(() => 100);
  return { clock, getDelay, options: { retries: 2, clock, getDelay, ...given } };
}

const settle = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => ({ error }));

describe('retrying', () => {
  it('returns what the first run returns, and asks nothing', async () => {
    const { getDelay, options } = setUp();
    const { run, attempts } = runs(['price']);
    expect(await withRetries(run, options)).toBe('price');
    expect(attempts).toEqual([1]);
    expect(getDelay).not.toHaveBeenCalled();
  });

  it('runs again after each pause, on the clock, and tells of it', async () => {
    const onRetry = vi.fn<(attempt: number, delay: number) => void>();
    const { clock, getDelay, options } = setUp({ onRetry });
    const [first, second] = [new Error('first'), new Error('second')];
    const { run, attempts } = runs([first, second, 'price']);

    const call = withRetries(run, options);
    await clock.advance(99);
    expect(attempts).toEqual([1]);
    await clock.advance(1);
    expect(attempts).toEqual([1, 2]);
    await clock.advance(100);

    expect(await call).toBe('price');
    expect(attempts).toEqual([1, 2, 3]);
    expect(getDelay.mock.calls).toEqual([
      [first, 0],
      [first, 0],
      [second, 1],
    ]);
    expect(onRetry.mock.calls).toEqual([
      [2, 100],
      [3, 100],
    ]);
  });

  it('gives the last error when the reruns are used up', async () => {
    const { clock, options } = setUp({ retries: 1 });
    const last = new Error('last');
    const { run, attempts } = runs([new Error('first'), last, 'never']);
    const call = settle(withRetries(run, options));
    await clock.advance(1_000);
    expect(await call).toEqual({ error: last });
    expect(attempts).toEqual([1, 2]);
  });

  it('asks no pause of an error that may not be retried anyway', async () => {
    const { getDelay, options } = setUp({ retries: 0 });
    const error = new Error('only');
    const { run, attempts } = runs([error, 'never']);
    expect(await settle(withRetries(run, options))).toEqual({ error });
    expect(attempts).toEqual([1]);
    expect(getDelay).not.toHaveBeenCalled();
  });

  it('stops at a final error, the first or a later one', async () => {
    const final = new Error('final');
    const { clock, getDelay, options } = setUp();
    getDelay.mockImplementation((error) => (error === final ? undefined : 100));

    const once = runs([final, 'never']);
    expect(await settle(withRetries(once.run, options))).toEqual({ error: final });
    expect(once.attempts).toEqual([1]);
    expect(getDelay).toHaveBeenCalledTimes(1);

    const twice = runs([new Error('first'), final, 'never']);
    const call = settle(withRetries(twice.run, options));
    await clock.advance(1_000);
    expect(await call).toEqual({ error: final });
    expect(twice.attempts).toEqual([1, 2]);
  });

  it.each([
    ['a TypeError', new TypeError('fetch failed')],
    ['undefined', undefined],
    ['an object', { status: 503 }],
  ])('treats %s like any other error, and gives it back as it was', async (_, thrown) => {
    const { clock, options } = setUp({ retries: 1 });
    const { run, attempts } = runs([thrown, thrown]);
    const call = settle(withRetries(run, options));
    await clock.advance(1_000);
    expect(await call).toEqual({ error: thrown });
    expect(attempts).toEqual([1, 2]);
  });

  it('ends a pause with the reason of its signal', async () => {
    const controller = new AbortController();
    const { clock, options } = setUp({ signal: controller.signal });
    const { run, attempts } = runs([new Error('first'), 'never']);
    const call = settle(withRetries(run, options));
    await clock.advance(50);
    const reason = new Error('left');
    controller.abort(reason);
    expect(await call).toEqual({ error: reason });
    expect(attempts).toEqual([1]);
  });
});

describe('backoff', () => {
  const retry = { retries: 5, minTimeout: 100, maxTimeout: 1_000, factor: 3, randomize: false };

  it('grows by the factor up to the longest wait', () => {
    expect([0, 1, 2, 3].map((retried) => computeRetryDelay(retry, retried))).toEqual([100, 300, 900, 1_000]);
  });

  it('is drawn between once and twice that when it is to be random', () => {
    const random = vi.spyOn(Math, 'random');
    for (const [drawn, waits] of [
      [0, 100],
      [0.5, 150],
      [0.999, 200],
    ] as const) {
      random.mockReturnValue(drawn);
      expect(computeRetryDelay({ ...retry, randomize: true }, 0)).toBe(waits);
    }
  });
});
