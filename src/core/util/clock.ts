import type { Clock } from '../types.js';
import { addAbortListener, readAbortReason, removeAbortListener } from './abort-listeners.js';

/** Longest delay of a Node.js timer, in ms. A longer one fires at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** The timers in place when goldkey was loaded. A test runner may have replaced them since, or before. */
const { setTimeout: timeoutAtLoad, setImmediate: immediateAtLoad } = globalThis;

/**
 * Returns whether a test runner's fake timers stand in for `current`. sinon's (vitest, jest) carry their clock, jest's
 * legacy ones are mock functions, and all others differ from what was there at load.
 */
function isFake(current: object, atLoad: object): boolean {
  return current !== atLoad || 'clock' in current || '_isMockFunction' in current;
}

/** Calls `callback` after this turn's microtasks, whatever a test runner has done to the timers. */
export function afterTurn(callback: () => void): void {
  if (immediatesAreFake()) AbortSignal.timeout(0).addEventListener('abort', callback, { once: true });
  else setImmediate(callback);
}

/** Returns whether `setImmediate` is a test runner's, which may never call back. */
export function immediatesAreFake(): boolean {
  return isFake(setImmediate, immediateAtLoad);
}

class SystemTimer {
  readonly #timer: NodeJS.Timeout;

  constructor(timer: NodeJS.Timeout) {
    this.#timer = timer;
  }

  cancel(): void {
    // Not clearTimeout, if possible: fake timers that came since clear none but their own.
    if (typeof this.#timer.close === 'function') this.#timer.close();
    else clearTimeout(this.#timer);
  }
}

/**
 * A timer made while timers are fake. It rings when they are advanced, and by real time too: fake timers that are
 * restored or cleared never ring. No test runner replaces the timers behind `AbortSignal.timeout`.
 */
class FakeableTimer {
  readonly #timer: NodeJS.Timeout;
  readonly #clear: typeof clearTimeout = clearTimeout;
  readonly #realTime: AbortSignal;
  readonly #ring: () => void;

  constructor(callback: () => void, ms: number, unref: boolean) {
    this.#ring = () => {
      this.cancel();
      callback();
    };
    this.#timer = setTimeout(this.#ring, ms);
    // It may be a real one after all: where goldkey was loaded under fake timers, those that come back look fake.
    if (unref) this.#timer.unref?.();
    this.#realTime = AbortSignal.timeout(Math.min(Math.max(Math.ceil(ms), 0), MAX_TIMER_MS));
    this.#realTime.addEventListener('abort', this.#ring);
  }

  cancel(): void {
    this.#clear(this.#timer);
    this.#realTime.removeEventListener('abort', this.#ring);
  }
}

let hrtime: typeof process.hrtime | undefined;
let hrtimeOffset = 0;

function readHrtime(read: typeof process.hrtime): number {
  const [seconds, nanoseconds] = read();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/** The system's clocks and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Not performance.now(): Node.js loads a millisecond's worth of modules when `performance` is first touched. Fake timers
  // replace hrtime by one that starts at 0, and put it back: the reading goes on from where it was.
  monotonic() {
    const current = process.hrtime;
    if (hrtime !== current) {
      if (hrtime !== undefined) hrtimeOffset += readHrtime(hrtime) - readHrtime(current);
      hrtime = current;
    }
    return readHrtime(current) + hrtimeOffset;
  },
  setTimeout(callback, ms, options) {
    if (isFake(setTimeout, timeoutAtLoad)) return new FakeableTimer(callback, ms, options?.unref === true);
    const timer = setTimeout(callback, ms);
    if (options?.unref === true) timer.unref();
    return new SystemTimer(timer);
  },
};

/** Returns a function that creates one object for each clock, when first asked. */
export function perClock<T extends object>(create: (clock: Clock) => T): (clock: Clock) => T {
  const created = new WeakMap<Clock, T>();
  return (clock) => {
    let found = created.get(clock);
    if (found === undefined) created.set(clock, (found = create(clock)));
    return found;
  };
}

/** Hidden property of a `LoadRequest` that holds the client's clock, so that a provider's pauses run on it too. */
export const CLOCK: unique symbol = Symbol.for('goldkey.clock');

/** Returns the clock of a `LoadRequest`, or the system's if the core did not create the request. */
export function getRequestClock(request: object): Clock {
  return (request as { readonly [CLOCK]?: Clock })[CLOCK] ?? systemClock;
}

/** Hidden property of a `LoadRequest` with the expiry of the key held, set if the key is not due yet. */
export const FRESH_UNTIL: unique symbol = Symbol.for('goldkey.freshUntil');

/** Returns that expiry in epoch ms. Before it a store may answer `unchanged` without decrypting or prolonging anything. */
export function getFreshUntil(request: object): number | undefined {
  return (request as { readonly [FRESH_UNTIL]?: number })[FRESH_UNTIL];
}

/** Resolves after `ms` on `clock`; rejects with the signal's reason when it aborts first. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(readAbortReason(signal) as Error);
      return;
    }
    const listener = {
      end(reason: unknown): void {
        timer.cancel();
        reject(reason as Error);
      },
    };
    const timer = clock.setTimeout(() => {
      if (signal !== undefined) removeAbortListener(signal, listener);
      resolve();
    }, ms);
    if (signal !== undefined) addAbortListener(signal, listener);
  });
}
