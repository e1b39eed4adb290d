import { addAbortListener, raceAbort, removeAbortListener, type Clock } from '../core/index.js';

/** Limits of a piece of work. */
export interface DeadlineOptions {
  /** Longest duration in ms, on `clock`. */
  ms: number;
  clock: Clock;
  /** Makes the error for work that took longer. */
  late: () => Error;
  /** True if the deadline must not hold the process. */
  unref?: boolean;
  /** Signals that end the work early, each with its own reason. */
  signals: readonly (AbortSignal | undefined)[];
}

/**
 * Runs `work` with a signal that aborts at the deadline, and stops waiting then. `AbortSignal.any` and `.timeout` would
 * not do: the time is the injected clock's, and no listener stays on a signal that outlives the work.
 */
export async function withDeadline<T>(limits: DeadlineOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { ms, clock, late, unref = false, signals } = limits;
  const ending = new AbortController();
  const listener = { end: (reason: unknown) => void ending.abort(reason) };
  for (const signal of signals) signal?.throwIfAborted();
  for (const signal of signals) if (signal !== undefined) addAbortListener(signal, listener);
  const timer = clock.setTimeout(() => ending.abort(late()), ms, { unref });
  try {
    return await raceAbort(work(ending.signal), ending.signal);
  } finally {
    timer.cancel();
    for (const signal of signals) if (signal !== undefined) removeAbortListener(signal, listener);
  }
}
