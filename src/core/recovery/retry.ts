import pRetry from 'p-retry';

import type { CheckedRetry } from '../options.js';
import type { Clock } from '../types.js';
import { delay } from '../util/clock.js';

/** Options of {@link withRetries}. */
export interface RetryLoopOptions {
  /** Number of runs after the first. */
  retries: number;
  /** Clock of the pauses. */
  clock: Clock;
  /** Ends a pause, and with it the retries, with its reason. */
  signal?: AbortSignal | undefined;
  /** Returns the pause in ms before the next run, or `undefined` if the error is final. `retried` counts the reruns so far. */
  getDelay(error: unknown, retried: number): number | undefined;
  /** Called before each pause. */
  onRetry?(attempt: number, delay: number): void;
}

/** Carries any thrown value through p-retry, which wraps what is not an Error and does not retry a TypeError. */
class ThrownValue extends Error {
  readonly value: unknown;

  constructor(value: unknown) {
    super();
    this.value = value;
  }
}

/**
 * Runs `run`, and again after a transient failure. p-retry is entered only after the first failure, because around every
 * call it would cost more than the call. Its timers are not used: every pause here runs on `clock`.
 */
export async function withRetries<T>(run: (attempt: number) => Promise<T>, options: RetryLoopOptions): Promise<T> {
  let first: ThrownValue;
  try {
    return await run(1);
  } catch (error) {
    if (options.retries === 0 || options.getDelay(error, 0) === undefined) throw error;
    first = new ThrownValue(error);
  }
  try {
    return await pRetry(
      async (attempt) => {
        if (attempt === 1) throw first;
        try {
          return await run(attempt);
        } catch (error) {
          throw new ThrownValue(error);
        }
      },
      {
        retries: options.retries,
        factor: 1,
        minTimeout: 0,
        async shouldRetry({ error, attemptNumber, retriesConsumed }) {
          const pause = options.getDelay((error as ThrownValue).value, retriesConsumed);
          if (pause === undefined) return false;
          options.onRetry?.(attemptNumber + 1, pause);
          await delay(options.clock, pause, options.signal);
          return true;
        },
      },
    );
  } catch (error) {
    throw error instanceof ThrownValue ? error.value : error;
  }
}

/** Returns the pause before rerun number `retried + 1`, in ms, by p-retry's formula. */
export function computeRetryDelay(retry: CheckedRetry, retried: number): number {
  const random = retry.randomize ? 1 + Math.random() : 1;
  return Math.min(Math.round(random * retry.minTimeout * retry.factor ** retried), retry.maxTimeout);
}
