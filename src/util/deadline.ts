import type { Clock } from '../core/index.js';
import { untilAborted } from './until-aborted.js';

/** What ends a piece of work. */
export interface Limits {
  /** Milliseconds on `clock`. */
  ms: number;
  clock: Clock;
  /** What it fails with when they have passed. */
  late: () => Error;
  /** The first of these to abort ends it too, with its reason. */
  signals: readonly (AbortSignal | undefined)[];
}

/**
 * Runs `work` with a signal of its own, and waits no longer than the limits say. Not `AbortSignal.any` and `.timeout`: the
 * time is the clock's, and nothing stays behind on a signal that lives longer than the work.
 */
export async function within<T>(limits: Limits, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { ms, clock, late, signals } = limits;
  const ending = new AbortController();
  const onAbort = (event: Event): void => {
    ending.abort((event.target as AbortSignal).reason);
  };
  for (const signal of signals) {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', onAbort, { once: true });
  }
  const timer = clock.setTimeout(() => {
    ending.abort(late());
  }, ms);
  try {
    return await untilAborted(work(ending.signal), ending.signal);
  } finally {
    timer.cancel();
    for (const signal of signals) signal?.removeEventListener('abort', onAbort);
  }
}
