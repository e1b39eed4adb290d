import { delay } from '../util/clock.js';
import type { CheckedRetry } from '../options.js';
import type { Clock } from '../types.js';

/** How {@link withRetries} goes about it. */
export interface RetryingOptions {
  /** Reruns after the first run. */
  retries: number;
  /** Carries the pauses. */
  clock: Clock;
  /** Ends a pause, and with it the reruns, with its reason. */
  signal?: AbortSignal | undefined;
  /** The pause in ms before the next run, or `undefined` when this error is final. `retried` counts the reruns so far. */
  delayOf(error: unknown, retried: number): number | undefined;
  /** Told before each pause. */
  onRetry?(attempt: number, delay: number): void;
}

/** p-retry turns what is not an Error into a TypeError and will not rerun a TypeError: everything travels boxed. */
class Boxed extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super();
    this.thrown = thrown;
  }
}

/**
 * Runs `run`, again after a transient failure. p-retry is entered, and loaded, only after the first failure: around
 * every call it would cost more than the call. Its own timers are not used, because every wait here runs on `clock`.
 */
export async function withRetries<T>(run: (attempt: number) => Promise<T>, options: RetryingOptions): Promise<T> {
  let first: Boxed;
  try {
    return await run(1);
  } catch (error) {
    if (options.retries === 0 || options.delayOf(error, 0) === undefined) throw error;
    first = new Boxed(error);
  }
  const { default: pRetry } = await loadRetry();
  try {
    return await pRetry(
      async (attempt) => {
        if (attempt === 1) throw first;
        try {
          return await run(attempt);
        } catch (error) {
          throw new Boxed(error);
        }
      },
      {
        retries: options.retries,
        factor: 1,
        minTimeout: 0,
        maxTimeout: 0,
        randomize: false,
        async shouldRetry({ error, attemptNumber, retriesConsumed }) {
          const pause = options.delayOf((error as Boxed).thrown, retriesConsumed);
          if (pause === undefined) return false;
          options.onRetry?.(attemptNumber + 1, pause);
          await delay(options.clock, pause, options.signal);
          return true;
        },
      },
    );
  } catch (error) {
    throw error instanceof Boxed ? error.thrown : error;
  }
}

/** Loads p-retry: at the first failure, or before it where a test wants no surprise. */
export function loadRetry(): Promise<typeof import('p-retry')> {
  return import('p-retry');
}

/** The pause before rerun number `retried + 1`, in p-retry's own words and arithmetic. */
export function computeRetryDelay(retry: CheckedRetry, retried: number): number {
  const random = retry.randomize ? 1 + Math.random() : 1;
  return Math.min(Math.round(random * retry.minTimeout * retry.factor ** retried), retry.maxTimeout);
}
