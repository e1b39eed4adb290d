import type { CallOptions, Clock } from '../../core/index.js';
import type { PriceQuery, Quote } from '../types.js';

/** The call options that clients of {@link firstAvailable} understand: `signal`, and `timeout` in ms from 1. */
export type FirstAvailableCallOptions = Pick<CallOptions, 'signal' | 'timeout'>;

/**
 * The part of a client that {@link firstAvailable} uses; a `GoldDataClient` with a price API spread into it has it.
 * Your own client must keep to `signal` and `timeout` and leave no key in its errors.
 */
export interface PriceClient {
  /** Returns one price. Default query: `XAU`. */
  getPrice(query?: string | PriceQuery, options?: FirstAvailableCallOptions): Promise<Quote>;
  /** Returns several prices, in the order asked for. */
  getPrices(queries: ReadonlyArray<string | PriceQuery>, options?: FirstAvailableCallOptions): Promise<Quote[]>;
  /** Refuses new calls and lets running ones finish. */
  close?(): Promise<void>;
}

/** Options of {@link firstAvailable}. Durations are integer milliseconds. */
export interface FirstAvailableOptions {
  /** The longest time of a call with all its clients, in ms from 1. Default 10_000. A call may override it. */
  timeout?: number | undefined;
  /**
   * The time during which a client that failed is asked after the others, in ms from 0. Default 30_000; 0 turns it off.
   * A longer `retryAfter` of the error prolongs it.
   */
  cooldown?: number | undefined;
  /** The monotonic clock and the timers; give the clients the same. Default: the system's. */
  clock?: Clock | undefined;
}

/** The client that {@link firstAvailable} returns. It can be used wherever a {@link PriceClient} can. */
export interface FirstAvailable extends PriceClient, AsyncDisposable {
  /**
   * Returns one price, from the first client that gives one.
   *
   * @param query - the metal, or metal and currency; default `'XAU'`
   * @param options - the `signal` of this call, and its `timeout` in ms from 1
   * @throws {PriceApiError} `ERR_GOLDKEY_PRICE_API`: every client failed; a single client's error is thrown unchanged
   * @throws {CallTimeoutError} `ERR_GOLDKEY_TIMEOUT`: the deadline passed
   * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`: `close()` was called before
   */
  getPrice(query?: string | PriceQuery, options?: FirstAvailableCallOptions): Promise<Quote>;
  /**
   * Returns several prices, all from the first client that gives the whole list.
   *
   * @param queries - the prices to ask for; an empty list resolves to an empty list without a request
   * @param options - the `signal` of this call, and its `timeout` in ms from 1
   * @throws the errors of {@link FirstAvailable.getPrice}
   */
  getPrices(queries: ReadonlyArray<string | PriceQuery>, options?: FirstAvailableCallOptions): Promise<Quote[]>;
  /** Refuses new calls, lets running ones finish, then closes every client. May be called again. */
  close(): Promise<void>;
}
