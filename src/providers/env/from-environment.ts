import {
  checkOptionNames,
  invalidType,
  KeyAccessDeniedError,
  KeyNotFoundError,
  checkString,
  checkBoolean,
  quote,
  type KeyProvider,
} from '../../core/index.js';
import { refuseDocument } from '../shared/document.js';
import { toVersionedKey } from '../shared/plaintext-version.js';
import { readVariable } from './read-variable.js';

const ENVIRONMENT = 'environment';
const ERROR_OPTIONS = { provider: ENVIRONMENT };

/** Options of {@link fromEnvironment}. */
export interface FromEnvironmentOptions {
  /** Whether the store may be used while `NODE_ENV` is `production`. Default false. */
  allowInProduction?: boolean | undefined;
}

/**
 * Creates a key store over an environment variable that holds the key in plaintext, for local development: child processes
 * inherit it, and crash reports and `docker inspect` show it. It has a `current` key only, read anew by every load.
 *
 * @param name - the name of the variable
 * @param options - see {@link FromEnvironmentOptions}; copied
 * @returns a key store for `keyProvider`; there is nothing to close
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `name` is not a string or empty, an option has a name or type
 * that does not exist, or `NODE_ENV` is `production` and `allowInProduction` is not set
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: the variable is not set
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: `NODE_ENV` has become `production` since
 *
 * @example
 * ```ts
 * import { fromEnvironment } from 'goldkey/env';
 *
 * const keyProvider = fromEnvironment('GOLD_API_KEY');
 * ```
 */
export function fromEnvironment(name: string, options: FromEnvironmentOptions = {}): KeyProvider {
  checkString('name', name);
  checkOptionNames('fromEnvironment', options, ['allowInProduction']);
  const allowInProduction = checkBoolean('allowInProduction', options.allowInProduction);
  const isForbidden = (): boolean => !allowInProduction && process.env['NODE_ENV'] === 'production';
  const advice =
    'A plaintext key in the environment is for local development: while NODE_ENV is production, use another store, or set `allowInProduction`.';
  if (isForbidden()) throw invalidType(advice);
  return {
    name: ENVIRONMENT,
    plaintextAtRest: true,
    async load({ stage, signal, known }) {
      signal.throwIfAborted();
      if (stage !== 'current') return undefined;
      // A program may load its `.env` file only after it has created the store.
      if (isForbidden()) throw new KeyAccessDeniedError(advice, ERROR_OPTIONS);
      const value = readVariable(name);
      if (value === undefined) {
        throw new KeyNotFoundError(`The environment variable ${quote(name)} is not set.`, ERROR_OPTIONS);
      }
      const bytes = new TextEncoder().encode(value);
      refuseDocument(bytes, 'The environment variable', ERROR_OPTIONS);
      return toVersionedKey('e', bytes, known);
    },
  };
}
