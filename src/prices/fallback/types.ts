import type { CallOptions, Clock } from '../../core/index.js';
import type { PriceQuery, Quote } from '../types.js';

/** What one call of {@link FirstAvailable} may set for itself. */
export type FirstAvailableCallOptions = Pick<CallOptions, 'signal' | 'timeout'>;

/**
 * What {@link firstAvailable} needs of a client: a `GoldDataClient` made by spreading a price API has it. One of your own
 * keeps to `signal` and `timeout`, and leaves no key in its errors.
 */
export interface PriceClient {
  /** One price. */
  getPrice(query?: string | PriceQuery, options?: FirstAvailableCallOptions): Promise<Quote>;
  /** Several prices, in the order asked for. */
  getPrices(queries: ReadonlyArray<string | PriceQuery>, options?: FirstAvailableCallOptions): Promise<Quote[]>;
  /** Refuses new calls and lets running ones finish. */
  close?(): Promise<void>;
}

/** Options of {@link firstAvailable}. Durations are integer milliseconds. */
export interface FirstAvailableOptions {
  /** The whole call, whichever clients it asks; at least 1 ms. Default 10_000. A call may override it. */
  timeout?: number | undefined;
  /**
   * How long a client that failed is asked after the others. Default 30_000 ms; 0 turns it off. A longer `retryAfter` of
   * the failure prolongs it.
   */
  cooldown?: number | undefined;
  /** The monotonic clock and the timers; give the clients the same. Default: the system's. */
  clock?: Clock | undefined;
}

/** Several clients as one. It fits wherever a {@link PriceClient} does. */
export interface FirstAvailable extends PriceClient, AsyncDisposable {
  /**
   * One price, of the first client that gives one.
   *
   * @param query - default `'XAU'`
   * @param options - the call's own `signal`, and `timeout` in ms
   * @throws {PriceApiError} `ERR_GOLDKEY_PRICE_API`: every client failed; a single client's error leaves as it is
   * @throws {CallTimeoutError} `ERR_GOLDKEY_TIMEOUT`: the deadline passed
   * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`: after `close()`
   */
  getPrice(query?: string | PriceQuery, options?: FirstAvailableCallOptions): Promise<Quote>;
  /**
   * Several prices, all of the same client: the first that gives the whole list.
   *
   * @param queries - what to ask for; none gives none, and asks nobody
   * @param options - the call's own `signal`, and `timeout` in ms
   * @throws as {@link FirstAvailable.getPrice}
   */
  getPrices(queries: ReadonlyArray<string | PriceQuery>, options?: FirstAvailableCallOptions): Promise<Quote[]>;
  /** Refuses new calls, lets running ones finish, then closes every client. Called again, it resolves with the first. */
  close(): Promise<void>;
}
