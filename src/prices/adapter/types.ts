import type { PriceApiErrorKind } from '../price-api-error.js';
import type { Quote } from '../types.js';

/** One price to ask for, complete. */
export interface Ask {
  readonly metal: string;
  readonly currency: string;
}

/** A request without its origin. */
interface PriceRequest {
  /** Relative to the base URL, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What a body said went wrong. */
export interface Fault {
  readonly kind: PriceApiErrorKind;
  /** The vendor's number for it, for the message. */
  readonly code?: number | undefined;
  /** Our own words, for the message: a vendor's text may echo the key. */
  readonly detail?: string | undefined;
}

/** A price as a body gives it, per troy ounce. */
export interface Reading {
  /** In the asked currency. */
  readonly price: number;
  /** In USD, where the body tells: what the default limits are checked on. */
  readonly usd?: number | undefined;
  readonly bid?: number | undefined;
  readonly ask?: number | undefined;
  /** Epoch ms. */
  readonly timestamp?: number | undefined;
  readonly direction: Quote['direction'];
  /** The API's own words leave the direction open: only limits the user gave make this price safe. */
  readonly needsBounds?: boolean | undefined;
}

/**
 * All that differs between price APIs: how to ask, what the body calls a fault, where the price stands. Transport,
 * limits, units, errors and the hiding of the key are shared.
 */
export interface Dialect {
  /** Names the API in quotes and errors. */
  readonly source: string;
  /** The vendor's address. */
  readonly baseUrl: string;
  /** Which prices one request can ask for: any, those in one currency, or one alone. */
  readonly together: 'any' | 'one-currency' | 'none';
  /** What the API has instead, where it cannot answer this; said before anything is sent. */
  unsupported?(ask: Ask): string | undefined;
  /** `asks` is what one request can ask for, at least one. */
  request(asks: readonly Ask[], key: string): PriceRequest;
  /** The fault a JSON body tells of, whatever the status; `undefined` leaves it to the status. */
  fault(body: object, status: number): Fault | undefined;
  /**
   * The price in a body without fault; `alone` when nothing else was asked for. Throws an {@link Unreadable} when there
   * is none to be trusted.
   */
  read(body: object, ask: Ask, alone: boolean): Reading;
}

/** Thrown by a dialect; the adapter makes a `PriceApiError` of it. */
export class Unreadable extends Error {
  readonly kind: PriceApiErrorKind;

  constructor(kind: PriceApiErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
