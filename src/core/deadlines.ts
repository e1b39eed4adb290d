import { MAX_TIMER_MS, systemClock } from './clock.js';
import type { Clock } from './types.js';

/** A call that has not settled. */
export interface RunningCall {
  /** Its place in the list of running calls; below 0, it has settled. */
  index: number;
  /** The deadline on the monotonic clock; below 0, not stamped yet: minus the call's timeout. */
  deadline: number;
  outOfTime(): void;
}

/**
 * The running calls of every client on one clock, and the one timer that their deadlines share. Reading the monotonic
 * clock and making a timer costs as much as a warm call, so calls are stamped once a turn, when its microtasks have run:
 * only those that outlive it need the timer. A clock of the caller's own knows no turns: there each is stamped at once.
 */
export class Deadlines {
  readonly running: RunningCall[] = [];
  /** Whether the calls of this turn are going to be stamped. */
  stamping = false;
  /** Whether the timer is set. */
  timed = false;
  readonly #clock: Clock;
  readonly #stampTurn: () => void;
  #timer: { cancel(): void } | undefined;
  #timerDue = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#stampTurn = () => {
      this.stamping = false;
      this.#stampAll();
    };
  }

  /** To be called when a call that has been added has started. */
  arm(): void {
    if (this.#clock === systemClock) {
      this.stamping = true;
      setImmediate(this.#stampTurn);
    } else this.#stampAll();
  }

  /** No call is running any more. */
  emptied(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDue = Infinity;
    this.timed = false;
  }

  /** What is left of a call's time, in ms. */
  timeLeft(call: RunningCall): number {
    const mono = this.#clock.monotonic();
    if (call.deadline < 0) this.#stamp(call, mono);
    return call.deadline - mono;
  }

  #stampAll(): void {
    const { running } = this;
    if (running.length === 0) return;
    const mono = this.#clock.monotonic();
    for (let index = running.length - 1; index >= 0; index--) {
      const call = running[index];
      if (call !== undefined && call.deadline < 0) this.#stamp(call, mono);
    }
  }

  #stamp(call: RunningCall, mono: number): void {
    call.deadline = mono - call.deadline;
    this.#wake(call.deadline, mono);
  }

  /** Sees to it that the timer rings at `due`, or before. */
  #wake(due: number, mono: number): void {
    if (due >= this.#timerDue) return;
    this.#timer?.cancel();
    this.#timerDue = due;
    this.timed = true;
    const ring = (): void => {
      this.#ring();
    };
    this.#timer = this.#clock.setTimeout(ring, Math.min(Math.ceil(due - mono), MAX_TIMER_MS));
  }

  #ring(): void {
    this.#timer = undefined;
    this.timed = false;
    this.#timerDue = Infinity;
    const mono = this.#clock.monotonic();
    for (const call of [...this.running]) if (call.deadline >= 0 && call.deadline <= mono) call.outOfTime();
    for (const call of this.running) if (call.deadline >= 0) this.#wake(call.deadline, mono);
  }
}

/** Those of the system's clock. */
export const systemDeadlines: Deadlines = new Deadlines(systemClock);
const others = new WeakMap<Clock, Deadlines>();

/** The deadlines kept on `clock`. */
export function deadlinesOf(clock: Clock): Deadlines {
  if (clock === systemClock) return systemDeadlines;
  let deadlines = others.get(clock);
  if (deadlines === undefined) others.set(clock, (deadlines = new Deadlines(clock)));
  return deadlines;
}
