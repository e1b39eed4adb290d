// The day's clock. The network is real while the time is not: time stands still while an honest answer is on its way, and
// goes from one timer to the next, so that nothing runs out of time but what a fault holds.
import { manualClock } from 'goldkey/testing';

/** Turns of the event loop in which nothing moves, after which what is held is taken for held. */
const STILL_TURNS = 40;
const STILL_MS = 2;
/** Timers that may ring at one moment; more is a clock that stands still. */
const RINGS = 10_000;
/** Real time that an answer may take; more is a day that has stopped. */
const PATIENCE_MS = 20_000;

export const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A `manualClock()` that knows its timers. */
export class DayClock {
  #clock = manualClock();
  #waiting = new Set();
  #made = 0;
  #rangAt = -1;
  #rings = 0;

  // Own functions: the core takes them off the object.
  now = () => this.#clock.now();
  monotonic = () => this.#clock.monotonic();
  setTimeout = (callback, ms, options) => {
    const timer = { due: this.monotonic() + Math.max(0, ms) };
    this.#made++;
    this.#waiting.add(timer);
    const set = this.#clock.setTimeout(
      () => {
        this.#waiting.delete(timer);
        this.#ring();
        callback();
      },
      ms,
      options,
    );
    return {
      cancel: () => {
        this.#waiting.delete(timer);
        set.cancel();
      },
    };
  };

  #ring() {
    const mono = this.monotonic();
    this.#rings = mono > this.#rangAt ? 0 : this.#rings + 1;
    this.#rangAt = mono;
    if (this.#rings > RINGS) throw new Error('A timer rings again and again, and time does not go on.');
  }

  /** Timers that have not rung. */
  get waiting() {
    return this.#waiting.size;
  }

  /** Timers ever set: it grows while anything goes on. */
  get made() {
    return this.#made;
  }

  setWall(epochMs) {
    this.#clock.setWall(epochMs);
  }

  freeze(ms) {
    this.#clock.freeze(ms);
  }

  /** Goes on by `ms`, timer by timer; before each, `settle` waits until all that can be answered is. */
  async pass(ms, settle) {
    const until = this.monotonic() + ms;
    for (;;) {
      await settle();
      let next = Infinity;
      for (const { due } of this.#waiting) next = Math.min(next, due);
      const to = Math.min(next, until);
      await this.#clock.advance(Math.max(0, to - this.monotonic()));
      if (to === until) break;
    }
    await settle();
  }
}

/**
 * Waits until nothing is on its way. `desks` say of themselves whether they are `idle`, whether all they wait for may be
 * `held` by a fault or by a timer, or whether an honest answer is `coming`; and how far they have come.
 */
export async function quiet(clock, desks) {
  const startedAt = performance.now();
  let stillSince = startedAt;
  let still = 0;
  let mark = -1;
  for (let idle = 0; idle < 2;) {
    await turn();
    const states = desks.map((desk) => desk.state());
    idle = states.every((state) => state === 'idle') ? idle + 1 : 0;
    const progress = desks.reduce((sum, desk) => sum + desk.progress, clock.made);
    if (progress === mark && !states.includes('coming')) {
      still++;
      if (still >= STILL_TURNS && performance.now() - stillSince >= STILL_MS) return;
    } else {
      mark = progress;
      still = 0;
      stillSince = performance.now();
    }
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error('An answer that nothing holds does not come.');
  }
}
