/** Number of quiet windows in a row after which the same thing is told again. */
const QUIET_WINDOWS = 5;

/** Tells a state once, until it has been over for five windows. */
export class RecurringAlert {
  #isOn = false;
  #quiet = 0;

  /** Takes whether the state holds in this window. Returns true when it is to be told. */
  take(holds: boolean): boolean {
    if (holds) {
      const isNew = !this.#isOn;
      this.#isOn = true;
      this.#quiet = 0;
      return isNew;
    }
    if (this.#isOn && ++this.#quiet >= QUIET_WINDOWS) this.#isOn = false;
    return false;
  }

  reset(): void {
    this.#isOn = false;
  }
}
