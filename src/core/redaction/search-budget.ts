const MAX_TEXT = 1_048_576;
const MAX_MS = 20;
/** Time after which nothing more is searched; the rest is for the copy. */
const SEARCH_MS = 12;
/** Number of entries that are searched even if the clock stands still, as it does under fake timers. */
const MAX_ENTRIES = 100_000;
/** Number of entries that are searched, and copied, whatever the time: a busy machine must not empty a small error. */
const ALWAYS = 1_000;
/** Number of entries between two readings of the clock. */
const BATCH = 64;

/** Bounds one search, and the copy that follows it: entries, text and time. */
export class SearchBudget {
  readonly #start: number = performance.now();
  #textLeft = MAX_TEXT;
  #searched = 0;
  #nextLook = ALWAYS;
  #copied = 0;
  #isSearchSpent = false;
  #isSpent = false;

  /** Counts an entry, or as many as it takes as long as. Returns false when no more may be searched. */
  takeEntry(weight = 1): boolean {
    this.#searched += weight;
    if (this.#searched > this.#nextLook) {
      this.#nextLook = this.#searched + BATCH;
      this.#isSearchSpent ||= this.#searched > MAX_ENTRIES || this.#hasPassed(SEARCH_MS);
    }
    return !this.#isSearchSpent;
  }

  /** Takes as much text from what is left. Returns false if there is too little. */
  takeText(length: number): boolean {
    if (length > this.#textLeft) return false;
    this.#textLeft -= length;
    return true;
  }

  /** Returns whether the search of a long text may go on. Reads the clock. */
  hasTimeToSearch(): boolean {
    return !(this.#isSearchSpent ||= this.#hasPassed(SEARCH_MS));
  }

  /** Counts one entry of a copy. Returns false when no more may be copied. */
  takeCopiedEntry(): boolean {
    if (++this.#copied > ALWAYS && this.#copied % BATCH === 0) this.#isSpent ||= this.#hasPassed(MAX_MS);
    return !this.#isSpent;
  }

  #hasPassed(ms: number): boolean {
    return performance.now() - this.#start > ms;
  }
}
