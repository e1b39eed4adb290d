import { immediatesAreFake, MAX_TIMER_MS, perClock, systemClock } from '../util/clock.js';
import type { Clock } from '../types.js';

/**
 * Difference between times that means nothing, in ms: `now + 60_000 - now` may come out above 60,000, which would be
 * rounded up to 60,001, and a deadline that is missed by less would set the timer again for the same moment, for ever.
 */
const ROUNDING_MS = 0.001;

/** A call that has not settled, as its deadline sees it. */
export interface RunningCall {
  /** Position in {@link DeadlineTimer.running}. */
  position: number;
  /** The client that it belongs to. */
  readonly client: object;
  /** Time allowed, in ms. */
  readonly timeout: number;
  /** Deadline on the monotonic clock; `undefined` until the end of the turn in which the call started. */
  deadline: number | undefined;
  onTimeout(): void;
  end(reason: unknown): void;
}

/**
 * The running calls of every client on one clock, and the one timer that their deadlines share: saves 1.8 us a call.
 * Deadlines are set once a turn, after its microtasks, because only calls that outlive their turn need one. A custom clock
 * has no turns: there every deadline is set at once.
 */
export class DeadlineTimer {
  readonly running: RunningCall[] = [];
  readonly #clock: Clock;
  readonly #onTurnEnd: () => void;
  /** The `setImmediate` that the end of the turn waits for. If a test runner has replaced it since, it may never run. */
  #turnEndSetBy: unknown;
  #timer: { cancel(): void } | undefined;
  /** The reasons why all calls of these clients end. */
  #ending: Map<object, unknown> | undefined;
  #timerDueAt = Infinity;
  /** The `setTimeout` in place when the timer was set. Fake timers that have replaced it do not fire it. */
  #timerSetBy: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#onTurnEnd = () => {
      this.#turnEndSetBy = undefined;
      this.#setDeadlines();
    };
  }

  add(call: RunningCall): void {
    call.position = this.running.push(call) - 1;
  }

  remove(call: RunningCall): void {
    const { running } = this;
    const last = running.pop();
    if (last !== call && last !== undefined) {
      running[call.position] = last;
      last.position = call.position;
    }
    if (running.length === 0 && this.#timer !== undefined) {
      this.#timer.cancel();
      this.#timer = undefined;
      this.#timerDueAt = Infinity;
    }
  }

  /** Ends every call of a client. One pass over the running calls serves all clients that close at once. */
  endSoon(client: object, reason: unknown): void {
    if (this.#ending === undefined) {
      const ending = (this.#ending = new Map<object, unknown>());
      queueMicrotask(() => this.#endCalls(ending));
    }
    this.#ending.set(client, reason);
  }

  /** Sets the deadlines of this turn's calls when it ends. Called after each call has started. */
  setDeadlinesAfterTurn(): void {
    if (this.#turnEndSetBy === setImmediate) return;
    if (this.#clock === systemClock && !immediatesAreFake()) {
      this.#turnEndSetBy = setImmediate;
      setImmediate(this.#onTurnEnd);
    } else this.#setDeadlines();
  }

  /** Returns what is left of a call's time, in ms. */
  getTimeLeft(call: RunningCall): number {
    const now = this.#clock.monotonic();
    return (call.deadline ?? this.#setDeadline(call, now)) - now;
  }

  #endCalls(ending: Map<object, unknown>): void {
    this.#ending = undefined;
    for (const call of [...this.running]) if (ending.has(call.client)) call.end(ending.get(call.client));
  }

  #setDeadlines(): void {
    const { running } = this;
    if (running.length === 0) return;
    const now = this.#clock.monotonic();
    for (const call of running) if (call.deadline === undefined) this.#setDeadline(call, now);
  }

  #setDeadline(call: RunningCall, now: number): number {
    const deadline = now + call.timeout;
    call.deadline = deadline;
    this.#setTimer(deadline, now);
    return deadline;
  }

  /** Makes the timer fire at `deadline`, or earlier. */
  #setTimer(deadline: number, now: number): void {
    if (deadline >= this.#timerDueAt && this.#timerSetBy === setTimeout) return;
    this.#timer?.cancel();
    const dueAt = Math.min(deadline, this.#timerDueAt);
    this.#timerDueAt = dueAt;
    this.#timerSetBy = setTimeout;
    // A timer that has been replaced may have been due before now.
    const wait = Math.min(Math.max(Math.ceil(dueAt - now - ROUNDING_MS), 0), MAX_TIMER_MS);
    this.#timer = this.#clock.setTimeout(() => this.#endLateCalls(now + wait), wait);
  }

  /** Ends the calls whose time is up. `reached` is shown by the timer itself: fake timers need not move the clock. */
  #endLateCalls(reached: number): void {
    this.#timer = undefined;
    this.#timerDueAt = Infinity;
    const now = Math.max(this.#clock.monotonic(), reached);
    const due = now + ROUNDING_MS;
    for (const call of [...this.running]) if ((call.deadline ?? Infinity) <= due) call.onTimeout();
    for (const call of this.running) if (call.deadline !== undefined) this.#setTimer(call.deadline, now);
  }
}

/** Returns the deadline timer of `clock`. */
export const getDeadlineTimer: (clock: Clock) => DeadlineTimer = perClock((clock) => new DeadlineTimer(clock));

/** The deadline timer of the system's clock. */
export const systemDeadlineTimer: DeadlineTimer = getDeadlineTimer(systemClock);
