import { GoldKeyError, type GoldKeyErrorCode, type GoldKeyErrorOptions } from '../core/index.js';

/**
 * What a price API's refusal means:
 * `key-rejected` the key is unknown, wrong or inactive; `quota` the period's volume is used up; `rate-limited` too many
 * requests just now; `plan` the key's plan does not include this; `bad-request` the request, its symbols or its address
 * are wrong; `implausible` an answer came that cannot be right; `transient` the fault may pass by itself.
 */
export type PriceApiErrorKind =
  'key-rejected' | 'quota' | 'rate-limited' | 'plan' | 'bad-request' | 'implausible' | 'transient';

/** What a {@link PriceApiError} is made of beside its message. */
export interface PriceApiErrorOptions extends GoldKeyErrorOptions {
  /** What it means. */
  kind: PriceApiErrorKind;
  /** Which price API. */
  source: string;
  /** The HTTP status, where an answer came. */
  status?: number | undefined;
}

/**
 * A price API did not give a usable price; `kind` says why. `retryable` for `rate-limited` and `transient` only.
 * Nothing in it holds the key, the request's URL or the API's own words. A refused key that no reload repairs does not
 * reach the caller as this class but as `KeyRejectedError`, with this as its cause.
 *
 * @example
 * ```ts
 * import { isGoldKeyError } from 'goldkey';
 * import { PriceApiError } from 'goldkey/prices';
 *
 * try {
 *   await gold.getPrice('XAU');
 * } catch (error) {
 *   if (error instanceof PriceApiError && error.kind === 'quota') console.warn('the month is used up');
 *   else throw error;
 * }
 * ```
 */
export class PriceApiError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_PRICE_API';

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'PriceApiError', configurable: true, writable: true });
  }

  /** What it means. */
  readonly kind: PriceApiErrorKind;
  /** Which price API, e.g. `metals-api`. */
  readonly source: string;
  /** The HTTP status, where an answer came. Price APIs also refuse with 200: go by `kind`. */
  declare readonly status?: number | undefined;

  constructor(message: string, options: PriceApiErrorOptions) {
    const retryable = options.kind === 'rate-limited' || options.kind === 'transient';
    super(message, { ...options, retryable: options.retryable ?? retryable });
    this.kind = options.kind;
    this.source = options.source;
    if (options.status !== undefined) this.status = options.status;
  }
}
