/** So long a new level has to be kept before it is believed. */
const SETTLED_MS = 3_600_000;
/** After so long the last price says nothing about the next one. */
const FORGOTTEN_MS = 86_400_000;
/** More than any price API has. Of still more the oldest is forgotten, so that no caller's symbols fill the memory. */
const MAX_PAIRS = 10_000;

interface Known {
  readonly price: number;
  /** Epoch ms at which it was accepted. */
  readonly at: number;
  /** The level the API has gone to since, further away than one step. */
  refused: { readonly price: number; readonly since: number } | undefined;
}

/**
 * The last price accepted of each pair, and whether the next is within one step of it. A wrong price comes and goes; a
 * market that has moved stays. So a level further away is believed once the API has kept to it for an hour, and after a
 * day without an accepted price any level is: a step never locks a client out for good.
 */
export class Steps {
  readonly #maxChange: number;
  readonly #known = new Map<string, Known>();

  constructor(maxChange: number) {
    this.#maxChange = maxChange;
  }

  /** Whether `price` may follow the last one; what is too far away is remembered as the level it may have gone to. */
  allows(pair: string, price: number): boolean {
    const known = this.#known.get(pair);
    const now = Date.now();
    // A clock set back must not make a price last longer.
    if (known === undefined || Math.abs(now - known.at) >= FORGOTTEN_MS || this.#near(price, known.price)) return true;
    if (known.refused === undefined || !this.#near(price, known.refused.price) || now < known.refused.since) {
      known.refused = { price, since: now };
      return false;
    }
    return now - known.refused.since >= SETTLED_MS;
  }

  accept(pair: string, price: number): void {
    // Set anew, so that the one accepted longest ago stands first.
    this.#known.delete(pair);
    this.#known.set(pair, { price, at: Date.now(), refused: undefined });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_PAIRS && oldest !== undefined) this.#known.delete(oldest);
  }

  #near(price: number, other: number): boolean {
    return Math.abs(price / other - 1) <= this.#maxChange;
  }
}
