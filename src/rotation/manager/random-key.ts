import { checkInteger, nodeCrypto } from '../../core/index.js';

/**
 * Returns a new random key as base64url text, for a `generate` whose price API takes keys that its users choose, such as one
 * of your own.
 *
 * @param bytes - the number of random bytes, an integer from 16 to 1_024. Default 32, which are 43 characters
 * @returns letters, digits, `-` and `_` from the system's secure random numbers
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`: `bytes` is no integer, or out of range
 *
 * @example
 * ```ts
 * import { fileRing, KeyRotationManager, randomKey } from 'goldkey/rotation';
 *
 * const manager = new KeyRotationManager({
 *   ring: fileRing('./gold.ring.json'),
 *   name: 'gold',
 *   cipher,
 *   async generate({ signal }) {
 *     const key = randomKey();
 *     await fetch('https://prices.example/keys', { method: 'POST', body: key, signal });
 *     return { key };
 *   },
 * });
 * ```
 */
export function randomKey(bytes: number = 32): string {
  return nodeCrypto()
    .randomBytes(checkInteger('bytes', bytes, 32, 16, 1_024))
    .toString('base64url');
}
