import type { CheckedGate } from '../options.js';

/**
 * Keeps calls from the price API while it refuses the key that the store still calls current: price APIs lock accounts
 * that hammer them with a dead key. One call at a time is let through, ever more rarely.
 */
export class RefusalGate {
  readonly #settings: CheckedGate;
  /** Digest of the key that the calls were refused with. */
  #digest: string | undefined;
  #refusals = 0;
  #interval = 0;
  /** Time on the monotonic clock at which the next call is let through; `undefined` while the gate is open. */
  #probeAt: number | undefined;

  constructor(settings: CheckedGate) {
    this.#settings = settings;
  }

  get isClosed(): boolean {
    return this.#probeAt !== undefined;
  }

  /** Number of calls refused in a row. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Notes that a call was refused with the key. */
  noteRefusal(digest: string): void {
    if (digest !== this.#digest) this.open();
    this.#digest = digest;
    this.#refusals++;
  }

  /** Closes the gate if enough calls were refused. Returns the pause until the next probe, in ms, if it closed just now. */
  closeIfDue(now: number): number | undefined {
    const { after, probeEvery } = this.#settings;
    if (this.#probeAt !== undefined || this.#refusals < after) return undefined;
    this.#interval = probeEvery;
    this.#probeAt = now + probeEvery;
    return probeEvery;
  }

  /** Returns the pause after which a call with this key may run, in ms; 0: it may run now. */
  enter(digest: string, now: number): number {
    if (this.#probeAt === undefined || digest !== this.#digest) return 0;
    if (now < this.#probeAt) return Math.ceil(this.#probeAt - now);
    this.#interval = Math.min(this.#interval * 2, this.#settings.probeMax);
    this.#probeAt = now + this.#interval;
    return 0;
  }

  /** Returns whether the gate is closed for another key than this one. */
  isAboutAnother(digest: string): boolean {
    return this.isClosed && digest !== this.#digest;
  }

  /** Opens the gate and forgets the refusals. Returns whether it was closed. */
  open(): boolean {
    const wasClosed = this.isClosed;
    this.#digest = undefined;
    this.#refusals = 0;
    this.#probeAt = undefined;
    return wasClosed;
  }
}
