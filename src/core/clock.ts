import type { Clock } from './types.js';

/** The longest delay a Node.js timer takes; one longer fires at once. */
export const MAX_TIMER_MS = 2_147_483_647;

class SystemTimer {
  readonly #timer: NodeJS.Timeout;

  constructor(timer: NodeJS.Timeout) {
    this.#timer = timer;
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

/** The system's clocks and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Not performance.now(): Node.js loads a millisecond's worth of modules when `performance` is first touched.
  monotonic() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1e6;
  },
  setTimeout(callback, ms, options) {
    const timer = setTimeout(callback, ms);
    if (options?.unref === true) timer.unref();
    return new SystemTimer(timer);
  },
};

/**
 * Where the core leaves its clock on a `LoadRequest`, so that a store's own waits (a retry's pause, a test store's
 * delay) run on it too.
 */
export const CLOCK: unique symbol = Symbol.for('goldkey.clock');

/** The clock of a `LoadRequest`, the system's when it was not made by the core. */
export function clockOf(request: object): Clock {
  return (request as { readonly [CLOCK]?: Clock })[CLOCK] ?? systemClock;
}

/** Where a load request carries the moment until which the stage's own key need not be read again, when it is not due. */
export const FRESH_UNTIL: unique symbol = Symbol.for('goldkey.freshUntil');

/** That moment, in epoch ms: a store that answers `unchanged` before it has not to decrypt anything, nor to prolong it. */
export function freshUntilOf(request: object): number | undefined {
  return (request as { readonly [FRESH_UNTIL]?: number })[FRESH_UNTIL];
}

/** Resolves after `ms` on `clock`; rejects with the signal's reason when it aborts first. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
