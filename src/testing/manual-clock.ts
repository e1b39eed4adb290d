import type { Clock } from '../core/index.js';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves both clocks by `ms` and runs the timers that fall due, in order, each at its own moment; what they start gets
   * the chance to go on before the next. Resolves when all of it has.
   */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock only, as an administrator or NTP does. */
  setWall(epochMs: number): void;
  /** Moves the wall clock on by `ms` while the monotonic clock and the timers stand still, as a frozen Lambda sees it. */
  freeze(ms: number): void;
}

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Turns of the event loop that what a timer started is given: enough for chains of promises, and for a module load. */
const TURNS = 4;

/**
 * A clock for tests: `clock: manualClock()` makes a five-minute TTL, an outage or a back-off pass in no time, without fake
 * timers and without sleeping.
 *
 * @param startAt - the wall clock's first reading in epoch ms. Default 1_700_000_000_000
 * @returns the clock, to hand to clients and to move
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a start, or a step, that is no finite number of ms from 0
 *
 * @example
 * ```ts
 * import { KeyedClient } from 'goldkey';
 * import { manualClock, memoryKeyProvider } from 'goldkey/testing';
 *
 * const clock = manualClock();
 * const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });
 * const client = new KeyedClient({ keyProvider, clock, ttl: 300_000 });
 * await client.withKey(async ({ apiKey }) => apiKey);
 * await clock.advance(300_001);
 * await client.withKey(async ({ apiKey }) => apiKey);
 * // keyProvider.loads is 2
 * ```
 */
export function manualClock(startAt = 1_700_000_000_000): ManualClock {
  let wall = finite('startAt', startAt);
  // Not 0: a moment that reads as "none" would hide mistakes.
  let mono = 1;
  let made = 0;
  const timers = new Set<Timer>();

  const nextDue = (until: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.due > until) continue;
      if (next === undefined || timer.due < next.due || (timer.due === next.due && timer.order < next.order))
        next = timer;
    }
    return next;
  };

  return {
    now: () => wall,
    monotonic: () => mono,
    setTimeout(callback, ms) {
      const timer: Timer = { due: mono + Math.max(0, ms), order: made++, callback };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(ms) {
      const until = mono + finite('ms', ms);
      await turns();
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer);
        const step = Math.max(0, timer.due - mono);
        wall += step;
        mono += step;
        timer.callback();
        await turns();
      }
      wall += until - mono;
      mono = until;
      await turns();
    },
    setWall(epochMs) {
      wall = finite('epochMs', epochMs);
    },
    freeze(ms) {
      wall += finite('ms', ms);
    },
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function finite(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw Object.assign(new RangeError(`\`${name}\` must be a number of ms from 0, got ${String(value)}.`), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
}
