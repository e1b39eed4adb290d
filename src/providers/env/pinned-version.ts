import { checkString } from '../../core/index.js';

/**
 * The version that an environment variable pins a key ring to, for `fromKeyRing`: a way to serve `v2` without deploying
 * anything. Read anew by each call.
 *
 * @param name - the variable; default `GOLD_API_KEY_VERSION`
 * @returns its value without white space around it, or `undefined` when it is unset or empty
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: `name` is no string or empty
 *
 * @example
 * ```ts
 * import { pinnedVersion } from 'goldkey/env';
 * import { fileRing, fromKeyRing } from 'goldkey/rotation';
 *
 * const keyProvider = fromKeyRing({ ring: fileRing('./gold.ring.json'), name: 'gold', cipher, pinnedVersion: pinnedVersion() });
 * ```
 */
export function pinnedVersion(name: string = 'GOLD_API_KEY_VERSION'): string | undefined {
  checkString('name', name);
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
}
