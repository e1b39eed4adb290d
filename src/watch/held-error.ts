import { GoldKeyError, nameErrorClass, type GoldKeyErrorCode } from '../core/index.js';

/**
 * The watch has stopped this client after an alert: no call runs, and it holds no key, until `release()` of the watch.
 *
 * @example
 * ```ts
 * import { isGoldKeyError } from 'goldkey';
 *
 * if (isGoldKeyError(error, 'ERR_GOLDKEY_HELD')) console.error('paused until an operator releases it');
 * ```
 */
export class KeyHeldError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_HELD';

  static {
    nameErrorClass(this, 'KeyHeldError');
  }
}
