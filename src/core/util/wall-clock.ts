import type { Clock } from '../types.js';
import { perClock, systemClock } from './clock.js';

/** Largest step back that means nothing, in ms. */
const STEP_BACK_MS = 1_000;

/** A wall clock as all clients on it have seen it: what each kept of it would be one more place in memory for each call. */
export class WallClock {
  /** Highest reading so far, in epoch ms. */
  highest: number = -Infinity;
  /** Number of steps back. The times of what was loaded before one mean nothing any more. */
  steps = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads the clock and notes a step back. */
  read(): number {
    const now = this.#clock.now();
    if (now < this.highest - STEP_BACK_MS) {
      this.highest = now;
      this.steps++;
    } else if (now > this.highest) this.highest = now;
    return now;
  }
}

/** Returns the wall clock of `clock`. */
export const getWallClock: (clock: Clock) => WallClock = perClock((clock) => new WallClock(clock));

/** The system's wall clock. */
export const systemWallClock: WallClock = getWallClock(systemClock);
