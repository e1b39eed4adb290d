import type { KeyContext, Outcome } from '../core/index.js';

/** A price as it came from a price API, turned the right way round and checked. */
export interface Quote {
  /** The metal's symbol, e.g. `XAU`. */
  metal: string;
  /** ISO 4217, e.g. `USD`. */
  currency: string;
  /**
   * How much of `currency` one `unit` of the metal costs. Never the inverse. The double nearest to what the API sent (where
   * it is inverted, or converted by the rate of another currency, rounded once for each), and for another unit than the
   * troy ounce the double nearest to the exact quotient.
   */
  price: number;
  /** What the price is for. One troy ounce is 31.1034768 g, one tola 11.6638038 g. */
  unit: 'troy_ounce' | 'gram' | 'kilogram' | 'tola';
  /** Per `unit`, where the API tells it. */
  bid?: number | undefined;
  /** Per `unit`, where the API tells it. */
  ask?: number | undefined;
  /** Epoch ms the API says the price is of; the time of the answer where the API says nothing. */
  timestamp: number;
  /** Which price API, e.g. `metals-api`. */
  source: string;
  /** `inverted` when the API gave only ounces per currency unit and the price is one over that. */
  direction: 'direct' | 'inverted';
  /**
   * The parsed body; the key, should the API echo it, is replaced. A number with more digits than a double holds is a
   * string here, its digits as they were sent.
   */
  raw: unknown;
}

/** What to ask for. A bare symbol means that metal in the adapter's `currency`. */
export interface PriceQuery {
  /** The metal's symbol, e.g. `XAU`. */
  metal: string;
  /** ISO 4217. Default: the adapter's `currency`. */
  currency?: string | undefined;
}

/**
 * A ready-made price API. Spreads into a client's options: `new GoldDataClient({ keyProvider, ...metalsApi() })`. Take
 * the whole of it: price APIs refuse a key with answers that no default recognises, HTTP 200 among them.
 */
export interface PriceApi {
  /** One price. */
  fetchPrice(query: string | PriceQuery, context: KeyContext): Promise<Quote>;
  /**
   * Several prices, in the order asked for, in as few requests as the price API allows; absent where it answers one price
   * at a time. One that is refused fails them all, and none of them then counts as the last accepted (`maxChange`).
   */
  fetchPrices?: ((queries: ReadonlyArray<string | PriceQuery>, context: KeyContext) => Promise<Quote[]>) | undefined;
  /** Whether an outcome says that the price API refused the key. */
  isKeyRejected(outcome: Outcome): boolean;
  /** Whether an outcome is a fault that may pass by itself. */
  isTransient(outcome: Outcome): boolean;
}

/** Options of every price API. */
export interface PriceApiOptions {
  /**
   * Where the API is. Default: the vendor's own address. `https:` only, except on loopback; the key goes there, so it is
   * read once and a redirect away from it is never followed.
   */
  baseUrl?: string | undefined;
  /** ISO 4217. Default `USD`. A query may override it. */
  currency?: string | undefined;
  /** What a price is for. Default `troy_ounce`. */
  unit?: Quote['unit'] | undefined;
  /**
   * The oldest price to accept, in ms, at least 1. A price without a time is then refused too; one from more than five
   * minutes ahead always is. Default: any age, because cheap plans deliver once a day.
   */
  maxAge?: number | undefined;
  /**
   * The largest step from the last price accepted of the same metal and currency, as a fraction: 0.1 means 10 %. More
   * is `implausible`, until a price within the step comes, or the API has kept to the new level for an hour, or the last
   * price accepted is a day old. Kept in memory: a new adapter takes any first price. Default: any step.
   */
  maxChange?: number | undefined;
  /**
   * By metal, the lowest and highest price to accept, in `currency` per troy ounce. Default: wide limits in USD for
   * XAU, XAG, XPT, XPD and XRH, also as `LBMA-XAU` and the like, and where an API says nothing of dollars, very wide ones for any currency of a state. Give
   * your own for another currency or metal.
   */
  bounds?: Readonly<Record<string, readonly [min: number, max: number]>> | undefined;
  /** The longest body to read, in bytes, from 1. Default 1_000_000. */
  maxBodySize?: number | undefined;
  /**
   * An undici `Dispatcher`, e.g. a `ProxyAgent`. Default: connections shared per origin, of node:https at first and of an
   * undici `Pool` once there are many calls. Not together with `fetch`.
   */
  dispatcher?: object | undefined;
  /** A `fetch` to use in their place. */
  fetch?: typeof globalThis.fetch | undefined;
}
