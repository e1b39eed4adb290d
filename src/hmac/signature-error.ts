import { GoldKeyError, nameErrorClass, type GoldKeyErrorCode, type GoldKeyErrorOptions } from '../core/index.js';

/**
 * Why a signature does not hold. `missing`: there is none under the expected label. `malformed`: it cannot be read, or breaks
 * a rule of the format. `expired` and `not-yet-valid`: its times do not fit this clock. `replayed`: this message came before,
 * or so many came that it cannot be told. `uncovered`: a part that must be signed is not. `digest`: the body is another.
 * `mismatch`: no live key has made it. `unknown-key`: nor is the key that it names live.
 */
export type SignatureFault =
  | 'missing'
  | 'malformed'
  | 'expired'
  | 'not-yet-valid'
  | 'replayed'
  | 'uncovered'
  | 'digest'
  | 'mismatch'
  | 'unknown-key';

/**
 * A signature does not hold; `reason` says why. Answer 403 to `uncovered`, `digest` and `replayed`, where another key would not
 * help, and 401 to all others. Reason and message may be sent: they show nothing of the key or the request.
 *
 * @example
 * ```ts
 * import { SignatureError } from 'goldkey/hmac';
 *
 * const forbidden: readonly string[] = ['uncovered', 'digest', 'replayed'];
 * if (error instanceof SignatureError) console.log(forbidden.includes(error.reason) ? 403 : 401, error.message);
 * ```
 */
export class SignatureError extends GoldKeyError {
  /** The code of every instance: `ERR_GOLDKEY_SIGNATURE`. */
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_SIGNATURE';

  static {
    nameErrorClass(this, 'SignatureError');
  }

  /** Why the signature does not hold. */
  readonly reason: SignatureFault;

  /**
   * Creates an error of this class, as a verifier of your own does.
   *
   * @param reason - why the signature does not hold
   * @param message - one sentence: what is wrong and what to do
   * @param options - those of {@link GoldKeyError}
   */
  constructor(reason: SignatureFault, message: string, options: GoldKeyErrorOptions = {}) {
    super(message, options);
    this.reason = reason;
  }
}
