import { checkString } from '../../core/index.js';
import { readVariable } from './read-variable.js';

/**
 * Returns the version that an environment variable pins a key ring to, for `fromKeyRing`, so that `v2` can be served
 * without a deployment. Every call reads the variable anew.
 *
 * @param name - the name of the variable. Default `GOLD_API_KEY_VERSION`
 * @returns its value without white space around it, or `undefined` if it is unset or empty
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: `name` is not a string or empty
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
  const value = readVariable(name)?.trim();
  return value === '' ? undefined : value;
}
