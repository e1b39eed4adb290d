import type { CallOptions, Clock } from '../../core/index.js';
import type { PriceQuery, Quote } from '../types.js';

/** The call options that clients of {@link firstAvailable} understand: `signal`, and `timeout` in ms from 1. */
export type FirstAvailableCallOptions = Pick<CallOptions, 'signal' | 'timeout'>;

/**
 * The part of a client that {@link firstAvailable} uses; a `GoldDataClient` with a price API spread into it has it.
 * Your own client must keep to `signal` and `timeout` and leave no key in its errors.
 */
export interface PriceClient {
  /** Returns one price: of a metal, or of a metal in a currency. Default: `XAU`. */
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

/**
 * The client that {@link firstAvailable} returns. Its calls reject as described there. An empty list of queries resolves
 * to an empty list without a request; otherwise all prices of a list come from one client.
 */
export interface FirstAvailable extends PriceClient, AsyncDisposable {
  /** Refuses new calls, lets running ones finish, then closes every client. May be called again. */
  close(): Promise<void>;
}
