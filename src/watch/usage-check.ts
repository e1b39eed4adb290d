import {
  getClientState,
  hasSubscribers,
  publishOn,
  readErrorName,
  type Clock,
  type KeyedClient,
} from '../core/index.js';
import { withDeadline } from '../util/deadline.js';
import type { WatchOptions } from './types.js';

/** Longest time that a reading may take, in ms. */
const MAX_READ_MS = 10_000;

/** Both counts at one time. */
interface Reading {
  readonly used: number;
  readonly made: number;
}

/** Compares what the price API counts of a key's use with what these clients made, since the last alert. */
export class UsageCheck {
  readonly #clients: readonly KeyedClient[];
  readonly #usage: NonNullable<WatchOptions['usage']>;
  readonly #onMismatch: (used: number, made: number) => void;
  readonly #clock: Clock;
  #timer: { cancel(): void } | undefined;
  /** Aborts when the watch is closed. */
  readonly #closing = new AbortController();
  #base: Reading | undefined;

  constructor(
    clients: readonly [KeyedClient, ...KeyedClient[]],
    usage: NonNullable<WatchOptions['usage']>,
    onMismatch: (used: number, made: number) => void,
  ) {
    this.#clients = clients;
    this.#usage = usage;
    this.#onMismatch = onMismatch;
    this.#clock = getClientState(clients[0]).options.clock;
    void this.#check();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#closing.abort(new Error('The watch was closed.'));
  }

  get #isStopped(): boolean {
    return this.#closing.signal.aborted;
  }

  async #check(): Promise<void> {
    // Before the price API is asked: calls that run meanwhile may be counted by it already.
    const before = this.#countRuns();
    try {
      const used = await this.#read();
      if (!this.#isStopped) this.#compare({ used, made: this.#base === undefined ? before : this.#countRuns() });
    } catch (error) {
      // A count that cannot be read is no sign of anything. The name alone: a message may hold a URL with the key.
      if (hasSubscribers('usage-failed')) publishOn('usage-failed', { error: readErrorName(error) ?? typeof error });
    }
    if (!this.#isStopped)
      this.#timer = this.#clock.setTimeout(() => void this.#check(), this.#usage.every, { unref: true });
  }

  async #read(): Promise<number> {
    const ms = Math.min(MAX_READ_MS, this.#usage.every);
    const late = (): Error => new Error('`usage.read` did not answer in time.');
    const limits = { ms, clock: this.#clock, late, unref: true, signals: [this.#closing.signal] };
    const { used } = await withDeadline(limits, async (signal) => this.#usage.read({ signal }));
    if (!Number.isFinite(used)) throw new TypeError('`usage.read` must resolve to { used }, a number.');
    return used;
  }

  #compare(now: Reading): void {
    const base = this.#base;
    // The price API starts to count anew with each month.
    if (base === undefined || now.used < base.used) {
      this.#base = now;
      return;
    }
    const [used, made] = [now.used - base.used, now.made - base.made];
    if (used - made <= this.#usage.tolerance) return;
    this.#base = now;
    this.#onMismatch(used, made);
  }

  /** Counts the runs of the callers' functions, rather too many: a refused run is made once more by most. */
  #countRuns(): number {
    let made = 0;
    for (const client of this.#clients) {
      const { calls, retries, rejections } = client.status().counts;
      made += calls + retries + rejections;
    }
    return made;
  }
}
