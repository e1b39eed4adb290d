/** What one part of the proof claims, and what was measured. */
export class Claims {
  list = [];
  #part;

  constructor(part) {
    this.#part = part;
  }

  /** Adds a claim: `measured` is what is shown, and `holds` whether it is what is claimed. */
  add(claim, measured, holds) {
    this.list.push({ part: this.#part, claim, measured: String(measured), holds: holds === true });
  }

  /** Adds a claim that a count is at most `most`. */
  atMost(claim, count, most) {
    this.add(claim, `${grouped(count)} of at most ${grouped(most)}`, count <= most);
  }

  /** Adds a claim that a count is at least `least`: that so much was tried. */
  atLeast(claim, count, least) {
    this.add(claim, `${grouped(count)}, of at least ${grouped(least)}`, count >= least);
  }

  /** Adds a claim that a list of what went wrong is empty. */
  none(claim, list) {
    this.add(
      claim,
      list.length === 0 ? 'none' : `${grouped(list.length)}: ${list.slice(0, 3).join('; ')}`,
      list.length === 0,
    );
  }

  /** Adds a claim that a search finds nothing. One that fails has not shown it. */
  async nothingFound(claim, search) {
    let found;
    try {
      found = await search();
    } catch (error) {
      this.add(claim, `the search failed: ${String(error)}`, false);
      return;
    }
    this.none(claim, found);
  }
}

/** A number as it is read: 1,234,567. */
export const grouped = (number) => number.toLocaleString('en-US');
