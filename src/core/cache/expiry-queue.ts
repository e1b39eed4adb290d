import { MAX_TIMER_MS } from '../util/clock.js';
import type { Clock } from '../types.js';

/** Something with a moment at which it has to be looked after. */
export interface Expiring {
  /** On the monotonic clock. */
  due: number;
  /** Its place in the heap; below 0, it is not in it. */
  rank: number;
  expire(): void;
}

/** Ends lives on time, by one unref'd timer for all on the same clock: a timer each would be larger than what it guards. */
export class ExpiryQueue {
  /** A binary heap, the earliest first. */
  readonly #heap: Expiring[] = [];
  readonly #clock: Clock;
  #timer: { cancel(): void } | undefined;
  #timerDue = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `item` looked after at `due`. */
  set(item: Expiring, due: number): void {
    item.due = due;
    if (item.rank < 0) item.rank = this.#heap.push(item) - 1;
    this.#settle(item);
    this.#arm();
  }

  remove(item: Expiring): void {
    if (item.rank < 0) return;
    const last = this.#heap.pop() as Expiring;
    if (last !== item) {
      last.rank = item.rank;
      this.#settle(last);
    }
    item.rank = -1;
    this.#arm();
  }

  #settle(item: Expiring): void {
    const heap = this.#heap;
    let { rank } = item;
    for (;;) {
      const above = heap[(rank - 1) >> 1];
      if (rank === 0 || above === undefined || above.due <= item.due) break;
      above.rank = rank;
      heap[rank] = above;
      rank = (rank - 1) >> 1;
    }
    for (;;) {
      const left = heap[2 * rank + 1];
      const right = heap[2 * rank + 2];
      const below = left !== undefined && right !== undefined && right.due < left.due ? right : left;
      if (below === undefined || below.due >= item.due) break;
      const freed = below.rank;
      below.rank = rank;
      heap[rank] = below;
      rank = freed;
    }
    heap[rank] = item;
    item.rank = rank;
  }

  #arm(): void {
    const due = this.#heap[0]?.due ?? Infinity;
    if (due === this.#timerDue) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDue = due;
    if (due === Infinity) return;
    const wait = Math.min(Math.max(Math.ceil(due - this.#clock.monotonic()), 0), MAX_TIMER_MS);
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#ring();
      },
      wait,
      { unref: true },
    );
  }

  #ring(): void {
    this.#timer = undefined;
    this.#timerDue = Infinity;
    const mono = this.#clock.monotonic();
    for (let first = this.#heap[0]; first !== undefined && first.due <= mono; first = this.#heap[0]) {
      this.remove(first);
      first.expire();
    }
    this.#arm();
  }
}

const all = new WeakMap<Clock, ExpiryQueue>();

/** The expiries kept on `clock`. */
export function getExpiryQueue(clock: Clock): ExpiryQueue {
  let expiries = all.get(clock);
  if (expiries === undefined) all.set(clock, (expiries = new ExpiryQueue(clock)));
  return expiries;
}
