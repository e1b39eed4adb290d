/** The time in ms that a price API has to keep to a new level before it is accepted. */
const SETTLED_MS = 3_600_000;
/** The age in ms at which the last price no longer limits the next one. */
const FORGOTTEN_MS = 86_400_000;
/** More pairs than any price API has. Beyond it the oldest is dropped: a caller's symbols must not fill the memory. */
const MAX_PAIRS = 10_000;
/** Up to so many their order does not matter, and keeping it takes 1 us a price: none is dropped before as many again have come. */
const MANY_PAIRS = 5_000;
/** How far above the limit a change of exactly the limit may come out: 2200 / 2000 - 1 is more than 0.1. */
const ROUNDING = 1e-12;

interface LastPrice {
  price: number;
  /** Epoch ms at which it was accepted. */
  at: number;
  /** The level further away than `maxChange` that the API has gone to since. */
  newLevel: { readonly price: number; readonly since: number } | undefined;
}

/**
 * Remembers the last accepted price of each pair and limits the jump to the next one. A wrong price comes and goes, a
 * market that has moved stays: a level further away is accepted once the API has kept to it for an hour, and any level
 * after a day without an accepted price. So a jump never locks a client out for good.
 */
export class PriceJumpLimit {
  /** A fraction, from 0. */
  readonly #maxChange: number;
  readonly #lastPrices = new Map<string, LastPrice>();

  constructor(maxChange: number) {
    this.#maxChange = maxChange;
  }

  /** Returns whether `price` may follow the last one. A price too far away is remembered as a possible new level. */
  allows(pair: string, price: number): boolean {
    const last = this.#lastPrices.get(pair);
    const now = Date.now();
    // The absolute age: a clock that was set back must not make a price last longer.
    if (last === undefined || Math.abs(now - last.at) >= FORGOTTEN_MS || this.#isNear(price, last.price)) return true;
    if (last.newLevel === undefined || !this.#isNear(price, last.newLevel.price) || now < last.newLevel.since) {
      last.newLevel = { price, since: now };
      return false;
    }
    return now - last.newLevel.since >= SETTLED_MS;
  }

  accept(pair: string, price: number): void {
    const last = this.#lastPrices.get(pair);
    const at = Date.now();
    if (last !== undefined && this.#lastPrices.size <= MANY_PAIRS) {
      last.price = price;
      last.at = at;
      last.newLevel = undefined;
      return;
    }
    // Deleted first, so that the map is in the order of acceptance.
    this.#lastPrices.delete(pair);
    this.#lastPrices.set(pair, { price, at, newLevel: undefined });
    if (this.#lastPrices.size <= MAX_PAIRS) return;
    const [oldest] = this.#lastPrices.keys();
    if (oldest !== undefined) this.#lastPrices.delete(oldest);
  }

  #isNear(price: number, other: number): boolean {
    return Math.abs(price / other - 1) <= this.#maxChange + ROUNDING;
  }
}
