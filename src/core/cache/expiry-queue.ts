import { MAX_TIMER_MS, perClock } from '../util/clock.js';
import type { Clock } from '../types.js';

/** An object that has to be looked after at a certain time. */
export interface Expiring {
  /** Time on the monotonic clock. */
  dueAt: number;
  /** Position in the queue's heap; negative: not in it. */
  position: number;
  onDue(): void;
}

/** Calls `onDue` in time, by one unref'd timer for all objects on one clock: a timer for each costs 453 bytes a key. */
export class ExpiryQueue {
  /** Binary heap, the earliest first. */
  readonly #heap: Expiring[] = [];
  readonly #clock: Clock;
  #timer: { cancel(): void } | undefined;
  #timerDueAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds `item`, or moves it if it is there already. */
  schedule(item: Expiring, dueAt: number): void {
    item.dueAt = dueAt;
    if (item.position < 0) item.position = this.#heap.push(item) - 1;
    this.#restoreOrder(item);
    this.#setTimer();
  }

  remove(item: Expiring): void {
    if (item.position < 0) return;
    const last = this.#heap.pop() as Expiring;
    if (last !== item) {
      last.position = item.position;
      this.#restoreOrder(last);
    }
    item.position = -1;
    this.#setTimer();
  }

  #restoreOrder(item: Expiring): void {
    const heap = this.#heap;
    let { position } = item;
    while (position > 0) {
      const parentPosition = (position - 1) >> 1;
      const parent = heap[parentPosition] as Expiring;
      if (parent.dueAt <= item.dueAt) break;
      parent.position = position;
      heap[position] = parent;
      position = parentPosition;
    }
    for (;;) {
      const left = heap[2 * position + 1];
      const right = heap[2 * position + 2];
      const child = left !== undefined && right !== undefined && right.dueAt < left.dueAt ? right : left;
      if (child === undefined || child.dueAt >= item.dueAt) break;
      const freed = child.position;
      child.position = position;
      heap[position] = child;
      position = freed;
    }
    heap[position] = item;
    item.position = position;
  }

  #setTimer(): void {
    const dueAt = this.#heap[0]?.dueAt ?? Infinity;
    if (dueAt === this.#timerDueAt) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueAt = dueAt;
    if (dueAt === Infinity) return;
    const wait = Math.min(Math.max(Math.ceil(dueAt - this.#clock.monotonic()), 0), MAX_TIMER_MS);
    this.#timer = this.#clock.setTimeout(() => this.#handleDue(), wait, { unref: true });
  }

  #handleDue(): void {
    this.#timer = undefined;
    this.#timerDueAt = Infinity;
    const now = this.#clock.monotonic();
    for (let first = this.#heap[0]; first !== undefined && first.dueAt <= now; first = this.#heap[0]) {
      this.remove(first);
      first.onDue();
    }
    this.#setTimer();
  }
}

/** Returns the queue of `clock`. */
export const getExpiryQueue: (clock: Clock) => ExpiryQueue = perClock((clock) => new ExpiryQueue(clock));
