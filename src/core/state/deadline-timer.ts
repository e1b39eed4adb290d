import { immediatesAreFake, MAX_TIMER_MS, systemClock } from '../util/clock.js';
import type { Clock } from '../types.js';

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
export class DeadlineTimer {
  readonly running: RunningCall[] = [];
  /** The `setImmediate` by which the calls of this turn are going to be stamped; one that was replaced since may never run. */
  #stampingBy: unknown;
  /** Whether the timer is set. */
  timed = false;
  readonly #clock: Clock;
  readonly #stampTurn: () => void;
  #timer: { cancel(): void } | undefined;
  #timerDue = Infinity;
  /** The `setTimeout` in place when the timer was set: fake timers that have replaced it do not ring it. */
  #timerSetBy: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#stampTurn = () => {
      this.#stampingBy = undefined;
      this.#stampAll();
    };
  }

  /** Stamps the calls that have started in this turn, at its end. To be called after each start. */
  armTurn(): void {
    if (this.#stampingBy === setImmediate) return;
    if (this.#clock === systemClock && !immediatesAreFake()) {
      this.#stampingBy = setImmediate;
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

  /** Sees to it that the timer rings at `at`, or before. */
  #wake(at: number, mono: number): void {
    if (at >= this.#timerDue && this.#timerSetBy === setTimeout) return;
    this.#timer?.cancel();
    const due = Math.min(at, this.#timerDue);
    this.#timerDue = due;
    this.#timerSetBy = setTimeout;
    this.timed = true;
    // Less a microsecond: `mono + 60_000 - mono` may come out above 60,000, and would be waited for a millisecond longer.
    const wait = Math.min(Math.ceil(due - mono - 0.001), MAX_TIMER_MS);
    const ring = (): void => {
      this.#ring(mono + wait);
    };
    this.#timer = this.#clock.setTimeout(ring, wait);
  }

  /** Ends the calls whose time is up. That the timer rang shows that it is `reached`: fake timers need not move the clock. */
  #ring(reached: number): void {
    this.#timer = undefined;
    this.timed = false;
    this.#timerDue = Infinity;
    const mono = Math.max(this.#clock.monotonic(), reached);
    for (const call of [...this.running]) if (call.deadline >= 0 && call.deadline <= mono) call.outOfTime();
    for (const call of this.running) if (call.deadline >= 0) this.#wake(call.deadline, mono);
  }
}

/** Those of the system's clock. */
export const systemDeadlineTimer: DeadlineTimer = new DeadlineTimer(systemClock);
const others = new WeakMap<Clock, DeadlineTimer>();

/** The deadlines kept on `clock`. */
export function getDeadlineTimer(clock: Clock): DeadlineTimer {
  if (clock === systemClock) return systemDeadlineTimer;
  let deadlines = others.get(clock);
  if (deadlines === undefined) others.set(clock, (deadlines = new DeadlineTimer(clock)));
  return deadlines;
}
