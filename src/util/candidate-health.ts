import { backoffWindow } from '../core/index.js';

/**
 * Remembers whether one of several interchangeable services has failed lately and should be asked after the others. All
 * times are ms of one monotonic clock.
 */
export class CandidateHealth {
  #failures = 0;
  #restUntil = -Infinity;
  #trial: object | undefined;

  /** Returns whether the others come first: the candidate rests, or one call is trying it after its rest. */
  isResting(now: number): boolean {
    return now < this.#restUntil || this.#trial !== undefined;
  }

  /** Makes `call` the one trial of a candidate whose rest is over: other calls need not wait for the same answer. */
  startTrial(call: object, now: number): void {
    if (this.#restUntil > -Infinity && !this.isResting(now)) this.#trial = call;
  }

  /** Ends the trial that `call` started, if it did, without a verdict. */
  endTrial(call: object): void {
    if (this.#trial === call) this.#trial = undefined;
  }

  /** Ends the rest and the trial. */
  recordSuccess(): void {
    this.#failures = 0;
    this.#restUntil = -Infinity;
    this.#trial = undefined;
  }

  /** Rests for `first` ms, doubled with each failure since the last success up to `last` ms. Never shortens a rest. */
  recordFailure(now: number, first: number, last: number = first): void {
    this.#restUntil = Math.max(this.#restUntil, now + backoffWindow(first, this.#failures, last));
    this.#failures++;
  }
}
