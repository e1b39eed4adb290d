import type { PriceApiErrorKind } from '../price-api-error.js';
import type { Pair, Reading } from '../values/reading.js';

/** The pairs of one request, at least one. */
export type PairGroup = readonly [Pair, ...Pair[]];

/** A request without its origin. */
export interface PriceRequest {
  /** Relative to the base URL, with the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An answer that is not a success. */
export interface Failure {
  readonly kind: PriceApiErrorKind;
  /** The vendor's error code, for the message. */
  readonly code?: number | undefined;
  /** Fixed text for the message: a vendor's text may echo the key. */
  readonly detail?: string | undefined;
}

/**
 * All that differs between price APIs: how to ask, how a body reports a failure, and where the price stands. Transport,
 * limits, units, errors and the removal of the key are shared.
 */
export interface Dialect {
  /** The API's name in quotes and errors. */
  readonly source: string;
  /** The vendor's address. */
  readonly baseUrl: string;
  /** The pairs that one request can ask for: any, those in one currency, or a single one. */
  readonly batching: 'any' | 'one-currency' | 'none';
  /** Returns why the API cannot give a price, before anything is sent, or `undefined` if it can. */
  explainUnsupported?(pair: Pair): string | undefined;
  /** Builds one request for no more pairs than `batching` allows. */
  buildRequest(pairs: PairGroup, key: string): PriceRequest;
  /** Returns the failure that a JSON body reports, whatever the status; `undefined` leaves it to the status. */
  readFailure(body: object, status: number): Failure | undefined;
  /** Returns the price in a body without a failure, or throws an `UnusableBody`. `isAlone`: the only pair asked for. */
  readPrice(body: object, pair: Pair, isAlone: boolean): Reading;
}
