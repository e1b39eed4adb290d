/** Work that is done whatever the time, about 3 ms, and work between two looks at the time after it. */
const FREE_WORK = 262_144;
const WORK_BEFORE_CHECK = 16_384;

/** Work that is done even if the clock stands still, as it does under fake timers. */
const MAX_WORK = 67_108_864;

/** Bounds the time of a search. */
export interface TimeBound {
  /** Returns false when the search must end. */
  hasTimeToSearch(): boolean;
}

/** Counts the steps of a search, about 10 ns each, and looks at the time now and then. */
export class WorkMeter {
  readonly #time: TimeBound | undefined;
  #left = FREE_WORK;
  #rest = MAX_WORK;

  constructor(time: TimeBound | undefined) {
    this.#time = time;
  }

  /** Counts steps that were made. Returns false when the search must end. */
  spend(steps: number): boolean {
    this.#left -= steps;
    this.#rest -= steps;
    if (this.#left > 0 || this.#time === undefined) return true;
    const isLeft = this.#rest > 0 && this.#time.hasTimeToSearch();
    this.#left = isLeft ? WORK_BEFORE_CHECK : 0;
    return isLeft;
  }
}
