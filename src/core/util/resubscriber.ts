import type { Clock } from '../types.js';
import { backoffWindow } from './backoff.js';

/** Subscribes again after a subscription was lost or could not be made, for as long as it takes. Holds no process. */
export class Resubscriber {
  readonly #clock: Clock;
  readonly #subscribe: () => Promise<void>;
  readonly #first: number;
  readonly #last: number;
  #failures = 0;
  /** Whether an attempt is waiting or under way: no other is started meanwhile. */
  #pending = false;
  #stopped = false;
  #timer: { cancel(): void } | undefined;

  /** `first` and `last` bound the pause between attempts, in ms; it doubles with each failure. */
  constructor(subscribe: () => Promise<void>, options: { clock: Clock; first: number; last: number }) {
    this.#subscribe = subscribe;
    this.#clock = options.clock;
    this.#first = options.first;
    this.#last = options.last;
  }

  /** Subscribes after `pause` ms, which doubles with each failure. Does nothing if an attempt is pending. */
  resubscribe(pause: number = backoffWindow(this.#first, this.#failures, this.#last)): void {
    if (this.#pending || this.#stopped) return;
    this.#pending = true;
    this.#timer = this.#clock.setTimeout(() => void this.#attempt(), pause, { unref: true });
  }

  /** Makes no more attempts. One under way is the caller's to undo. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #attempt(): Promise<void> {
    try {
      await this.#subscribe();
      this.#pending = false;
      this.#failures = 0;
    } catch {
      this.#pending = false;
      this.#failures++;
      this.resubscribe();
    }
  }
}
