/** Lets everything go on that a timer has begun. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * A manual clock for ten thousand clients: its timers lie in a heap, where the one of `goldkey/testing` looks through all of
 * them. `off` shifts the time of day that a reader sees.
 */
export class EventClock {
  #heap = [];
  #order = 0;
  #at = 1;
  #startsAt;

  constructor(startsAt = 1_700_000_000_000) {
    this.#startsAt = startsAt;
  }

  now = () => this.#startsAt + this.#at;
  monotonic = () => this.#at;

  setTimeout = (callback, ms) => {
    const timer = { due: this.#at + Math.max(0, ms), order: this.#order++, callback };
    this.#push(timer);
    return { cancel: () => (timer.callback = undefined) };
  };

  /** Runs whatever falls due in the next `ms`, each at its own moment. */
  async advance(ms) {
    const until = this.#at + ms;
    while (this.#heap.length > 0 && this.#heap[0].due <= until) {
      const { due, callback } = this.#pop();
      if (callback === undefined) continue;
      this.#at = Math.max(this.#at, due);
      callback();
      // All that are due at one moment run before anybody goes on.
      if (this.#heap[0]?.due !== due) await turn();
    }
    this.#at = until;
    await turn();
  }

  #isBefore(one, other) {
    return one.due < other.due || (one.due === other.due && one.order < other.order);
  }

  #push(timer) {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(timer, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = timer;
  }

  #pop() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1], heap[child])) child++;
      if (!this.#isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
