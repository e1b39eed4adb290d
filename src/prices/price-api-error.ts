import {
  GoldKeyError,
  isGoldKeyError,
  nameErrorClass,
  type GoldKeyErrorCode,
  type GoldKeyErrorOptions,
} from '../core/index.js';

/**
 * The reason why a price API gave no usable price:
 * `key-rejected`: the key is unknown, wrong or inactive; `quota`: the volume of the key's period is used up;
 * `rate-limited`: there were too many requests just now; `plan`: the key's plan does not include the request;
 * `bad-request`: the request, its symbols or its address are wrong; `implausible`: the answer cannot be right;
 * `transient`: the next try may succeed.
 */
export type PriceApiErrorKind =
  'key-rejected' | 'quota' | 'rate-limited' | 'plan' | 'bad-request' | 'implausible' | 'transient';

/** Options of a {@link PriceApiError}. */
export interface PriceApiErrorOptions extends GoldKeyErrorOptions {
  /** The reason. It sets `retryable`, unless that is given. */
  kind: PriceApiErrorKind;
  /** The price API's name, e.g. `metals-api`. */
  source: string;
  /** The HTTP status of the answer, if one came. */
  status?: number | undefined;
}

/**
 * The error of a price API that gave no usable price; `kind` is the reason. `retryable` for `rate-limited` and
 * `transient` only. It never contains the key, the request's URL or text of the API. A rejected key that no reload
 * repairs reaches the caller as `KeyRejectedError`, with this error as its `cause`.
 *
 * @example
 * ```ts
 * import { PriceApiError } from 'goldkey/prices';
 *
 * try {
 *   await gold.getPrice('XAU');
 * } catch (error) {
 *   if (error instanceof PriceApiError && error.kind === 'quota') console.warn('the volume of this month is used up');
 *   else throw error;
 * }
 * ```
 */
export class PriceApiError extends GoldKeyError {
  /** The code of every instance: `ERR_GOLDKEY_PRICE_API`. */
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_PRICE_API';

  static {
    nameErrorClass(this, 'PriceApiError');
  }

  /** The reason. */
  readonly kind: PriceApiErrorKind;
  /** The price API's name, e.g. `metals-api`; `first-available` if several clients failed. */
  readonly source: string;
  /** The HTTP status of the answer, if one came. Price APIs also send errors with status 200: decide by `kind`. */
  declare readonly status?: number | undefined;

  /** Creates an error; `message` must not contain the key. */
  constructor(message: string, options: PriceApiErrorOptions) {
    const retryable = options.kind === 'rate-limited' || options.kind === 'transient';
    super(message, { ...options, retryable: options.retryable ?? retryable });
    this.kind = options.kind;
    this.source = options.source;
    if (options.status !== undefined) this.status = options.status;
  }
}

/** Returns whether `error` is a {@link PriceApiError}, also one of another copy of the package. */
export function isPriceApiError(error: unknown): error is PriceApiError {
  return isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API');
}
