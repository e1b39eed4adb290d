/** Number of windows after which half of what was learned is forgotten. */
const HALF_LIFE = 60;
const ALPHA = 1 - 2 ** (-1 / HALF_LIFE);
/** How many standard deviations above the mean chance may reach. */
const DEVIATIONS = 6;
/** Number of quiet windows in a row that end an alert. */
const QUIET_WINDOWS = 5;
/** Number of windows after which a level that stays is the new normal, so that growth blinds the watch for an hour only. */
const ADOPTED_AFTER = 60;

export interface SpikeOptions {
  readonly factor: number;
  readonly min: number;
  readonly warmUp: number;
}

/**
 * Tells a number of calls that is far above the usual, which it learns: an exponentially weighted mean and variance. A spike
 * takes two windows in a row that together are more than a burst within one window could leave in both.
 */
export class SpikeDetector {
  readonly #options: SpikeOptions;
  #mean = 0;
  #variance = 0;
  #learned = 0;
  /** The last window, if it was too high. */
  #high: number | undefined;
  /** Number of windows since the alert; `undefined` while there is none. */
  #alerting: number | undefined;
  #quiet = 0;

  constructor(options: SpikeOptions) {
    this.#options = options;
  }

  /** Usual number of calls in a window. */
  get expected(): number {
    return this.#mean;
  }

  /** Takes the number of calls of a window. Returns true once a spike. */
  take(calls: number): boolean {
    if (this.#alerting !== undefined) return this.#takeDuringAlert(calls);
    const last = this.#high;
    this.#high = this.#isHigh(calls) ? calls : undefined;
    if (this.#high === undefined) {
      // A window that was high alone was a burst: it is learned from neither.
      this.#learn(calls);
      return false;
    }
    const { factor } = this.#options;
    if (last === undefined || last + calls <= (2 * factor + 2) * this.#mean) return false;
    this.#alerting = this.#quiet = 0;
    this.#high = undefined;
    return true;
  }

  /** Forgets a running alert, so that the next spike is told again. */
  reset(): void {
    this.#alerting = this.#high = undefined;
  }

  #takeDuringAlert(calls: number): boolean {
    this.#quiet = calls < 2 * this.#mean ? this.#quiet + 1 : 0;
    this.#alerting = (this.#alerting ?? 0) + 1;
    if (this.#quiet >= QUIET_WINDOWS) this.#alerting = undefined;
    else if (this.#alerting >= ADOPTED_AFTER) {
      this.#mean = calls;
      this.#variance = 0;
      this.#alerting = undefined;
    }
    return false;
  }

  #isHigh(calls: number): boolean {
    const { factor, min, warmUp } = this.#options;
    if (this.#learned < warmUp || calls < min) return false;
    const chance = DEVIATIONS * Math.sqrt(this.#variance + this.#mean + 1);
    return calls > factor * this.#mean && calls > this.#mean + chance;
  }

  #learn(calls: number): void {
    this.#learned++;
    // The first windows count alike: with the final weight they would leave the mean near 0 for an hour.
    const alpha = Math.max(ALPHA, 1 / this.#learned);
    const difference = calls - this.#mean;
    this.#mean += alpha * difference;
    this.#variance = (1 - alpha) * (this.#variance + alpha * difference * difference);
  }
}
