import { afterTurn, describeType, invalidRange, type Clock } from '../core/index.js';

/**
 * A clock that stands still until a test moves it. Its methods throw a `RangeError` with code `ERR_INVALID_ARG_VALUE` for
 * a number that is not finite or is below 0 (`advance` rejects with it).
 */
export interface ManualClock extends Clock {
  /**
   * Moves both clocks by `ms` and runs the timers that fall due, in order, each at its own moment. Code that a timer
   * started can go on before the next timer runs. Resolves after all of it.
   */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock only, as an administrator or NTP does, to a reading in epoch ms. */
  setWall(epochMs: number): void;
  /** Moves the wall clock by `ms`, but neither the monotonic clock nor the timers, as in a frozen Lambda environment. */
  freeze(ms: number): void;
}

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** Turns of the event loop after a timer: enough for the chains of promises that it starts, and for a module load. */
const TURNS = 4;

/**
 * Creates a clock for tests: with `clock: manualClock()` a five-minute TTL, an outage or a back-off passes at once,
 * without sleeping and without a test runner's fake timers (which do not stop it either).
 *
 * @param startAt - the wall clock's first reading in epoch ms, from 0. Default 1_700_000_000_000
 * @returns the clock, for the `clock` option of clients
 * @throws {RangeError} with code `ERR_INVALID_ARG_VALUE`: a start that is not a number of ms from 0
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
  let wall = checkMs('startAt', startAt);
  // Not 0, because code that takes a moment of 0 for none would pass its tests.
  let mono = 1;
  const timers = new Set<Timer>();

  const findNextDue = (until: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      // A Set keeps the order in which the timers were made, so the first of those due together wins.
      if (timer.due <= until && timer.due < (next?.due ?? Infinity)) next = timer;
    }
    return next;
  };

  return {
    now: () => wall,
    monotonic: () => mono,
    setTimeout(callback, ms) {
      const timer: Timer = { due: mono + Math.max(0, ms), callback };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(ms) {
      const until = mono + checkMs('ms', ms);
      await waitTurns();
      for (let timer = findNextDue(until); timer !== undefined; timer = findNextDue(until)) {
        timers.delete(timer);
        const step = Math.max(0, timer.due - mono);
        wall += step;
        mono += step;
        timer.callback();
        await waitTurns();
      }
      wall += until - mono;
      mono = until;
      await waitTurns();
    },
    setWall(epochMs) {
      wall = checkMs('epochMs', epochMs);
    },
    freeze(ms) {
      wall += checkMs('ms', ms);
    },
  };
}

async function waitTurns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise<void>(afterTurn);
}

function checkMs(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalidRange(`\`${name}\` must be a number of ms from 0, got ${describeType(value)}.`);
}
