import type { PriceApiErrorKind } from '../price-api-error.js';
import type { Quote } from '../types.js';

/** A metal and the currency of its price. */
export interface Pair {
  readonly metal: string;
  readonly currency: string;
}

/** Returns a pair as text, e.g. `XAU/USD`. */
export function formatPair({ metal, currency }: Pair): string {
  return `${metal}/${currency}`;
}

/** A price as a response body gives it, per troy ounce. */
export interface Reading {
  /** In the currency asked for. */
  readonly price: number;
  /** The price in USD, if the body has it: the default limits are checked on it. */
  readonly usd?: number | undefined;
  readonly bid?: number | undefined;
  readonly ask?: number | undefined;
  /** Epoch ms. */
  readonly timestamp?: number | undefined;
  readonly direction: Quote['direction'];
  /** Whether the body leaves the direction open: then only `bounds` given by the user make the price safe. */
  readonly needsBounds?: boolean | undefined;
}

/** The error of a body without a usable price. Its message continues a sentence that begins with the API's name. */
export class UnusableBody extends Error {
  readonly kind: PriceApiErrorKind;

  constructor(kind: PriceApiErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
