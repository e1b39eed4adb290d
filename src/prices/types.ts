import type { KeyContext, Outcome } from '../core/index.js';

/** A checked price from a price API, always as currency per unit of the metal. */
export interface Quote {
  /** The metal's symbol, e.g. `XAU`. */
  metal: string;
  /** The currency's ISO 4217 code, e.g. `USD`. */
  currency: string;
  /**
   * The price of one `unit` in `currency`, never the inverse. It is the double nearest to what the API sent, rounded
   * once more for an inversion and for a conversion from the API's unit or by another currency's rate; for another unit than the troy ounce it
   * is the double nearest to the exact quotient.
   */
  price: number;
  /** The unit that the price is for. One troy ounce is 31.1034768 g, one tola 11.6638038 g. */
  unit: 'troy_ounce' | 'gram' | 'kilogram' | 'tola';
  /** The buyers' price of one `unit`, if the API gives it. */
  bid?: number | undefined;
  /** The sellers' price of one `unit`, if the API gives it. */
  ask?: number | undefined;
  /** The time of the price, in epoch ms; the time of the answer if the API gives none. */
  timestamp: number;
  /** The price API's name, e.g. `metals-api`. */
  source: string;
  /** `inverted` if the API gave only ounces per currency unit, so that the price is one over that. */
  direction: 'direct' | 'inverted';
  /**
   * The parsed body, with the key replaced if the API echoes it. A number with more digits than a double holds is a
   * string of its digits.
   */
  raw: unknown;
}

/** A price to ask for. A bare symbol stands for `{ metal: symbol }`. */
export interface PriceQuery {
  /**
   * The metal's symbol, e.g. `XAU`. Only a metal's: XAU, XAG, XPT, XPD, XRH, RUTH, IRD, base metals such as XCU and ALU,
   * and fixings such as `LBMA-XAU` and `LME-XCU`, as far as the API has them by weight. Anything else is a `bad-request`
   * before a request is sent.
   */
  metal: string;
  /** The currency's ISO 4217 code. Default: the adapter's `currency`. */
  currency?: string | undefined;
}

/**
 * A ready-made price API, to spread into a client's options: `new GoldDataClient({ keyProvider, ...metalsApi() })`.
 * Spread all of it: price APIs reject a key in ways that the defaults do not recognise, with HTTP 200 for example. None
 * of its functions uses `this`.
 */
export interface PriceApi {
  /** Fetches one price. Rejects with a {@link PriceApiError}, or with the reason of the call's signal. */
  fetchPrice(query: string | PriceQuery, context: KeyContext): Promise<Quote>;
  /**
   * Fetches several prices, in the order asked for, in as few requests as the API allows. Absent if the API answers one
   * price a request. One price that fails fails the call, and then none of them counts as the last accepted
   * (`maxChange`).
   */
  fetchPrices?: ((queries: ReadonlyArray<string | PriceQuery>, context: KeyContext) => Promise<Quote[]>) | undefined;
  /** Returns whether an outcome means that the price API rejected the key. */
  isKeyRejected(outcome: Outcome): boolean;
  /** Returns whether an outcome is an error that may pass by itself. */
  isTransient(outcome: Outcome): boolean;
}

/**
 * Options of every price API. All are optional, and none may be overridden by a call except `currency`, by a query. They
 * are checked at once, with errors of the code `ERR_INVALID_ARG_VALUE`: a `TypeError` for an option that is unknown or
 * mistyped, a `RangeError` for a value out of range.
 */
export interface PriceApiOptions {
  /**
   * The API's address. Default: the vendor's. Must be `https:`, except on loopback. The key is sent there, so the
   * option is read once and a redirect is never followed.
   */
  baseUrl?: string | undefined;
  /** The currency of a query without one, as an ISO 4217 code. Default `USD`. */
  currency?: string | undefined;
  /** The unit that a price is for. Default `troy_ounce`. */
  unit?: Quote['unit'] | undefined;
  /**
   * The highest age of a price, in ms from 1, or `Infinity` for any. Default 604_800_000, a week: cheap plans deliver
   * once a day, and markets close for holidays. A price without a time is accepted unless you set a number here. Never
   * accepted: a price from more than five minutes ahead.
   */
  maxAge?: number | undefined;
  /**
   * The largest change from the last accepted price of the same metal and currency, as a fraction above 0: 0.1 means 10
   * %; `Infinity` for any. Default 0.25. A larger one is `implausible`, until a price within the change comes, or the API has kept to the new level for
   * an hour, or the last accepted price is a day old. Kept in memory: a new adapter accepts any first price.
   */
  maxChange?: number | undefined;
  /**
   * The lowest and highest price to accept, by metal, in `currency` per troy ounce. Default: wide limits in USD for
   * XAU, XAG, XPT, XPD and XRH, also as `LBMA-XAU` and so on; where an API gives no rate to USD, limits that fit any
   * national currency. Set your own for other currencies and metals.
   */
  bounds?: Readonly<Record<string, readonly [min: number, max: number]>> | undefined;
  /** The longest body to read, in bytes from 1. Default 1_000_000. */
  maxBodySize?: number | undefined;
  /**
   * An undici `Dispatcher`, e.g. a `ProxyAgent`. Default: connections shared by origin, of node:https at first and of
   * an undici `Pool` once there are many calls. Excludes `fetch`.
   */
  dispatcher?: object | undefined;
  /** A `fetch` function to send requests with. Excludes `dispatcher`. */
  fetch?: typeof globalThis.fetch | undefined;
}
