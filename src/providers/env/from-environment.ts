import {
  checkOptionNames,
  invalidType,
  KeyAccessDeniedError,
  KeyNotFoundError,
  describeType,
  checkString,
  type KeyProvider,
} from '../../core/index.js';
import { derivePlaintextVersion } from '../shared/plaintext-version.js';

const ENVIRONMENT = 'environment';
const VARIABLE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
const about = { provider: ENVIRONMENT };

/** What {@link fromEnvironment} takes beside the variable's name. */
export interface FromEnvironmentOptions {
  /** Lets it be used while `NODE_ENV` is `production`. Default false. */
  allowInProduction?: boolean | undefined;
}

/**
 * A key in plaintext in an environment variable, for work on a laptop: child processes inherit it, and crash reports
 * and `docker inspect` show it. It has a `current` key only, and is read anew by every load.
 *
 * @param name - the variable
 * @param options - whether production is no reason to refuse
 * @returns a key store for `keyProvider`; there is nothing to close
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `name` is no string or empty, an option has a name or type that
 * does not exist, or `NODE_ENV` is `production` and that is not allowed
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: the variable is not set
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: `NODE_ENV` has become `production` since
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromEnvironment } from 'goldkey/env';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({ keyProvider: fromEnvironment('GOLD_API_KEY'), ...metalsApi() });
 * console.log(await gold.getPrice('XAU'));
 * ```
 */
export function fromEnvironment(name: string, options: FromEnvironmentOptions = {}): KeyProvider {
  checkString('name', name);
  checkOptionNames('fromEnvironment', options, ['allowInProduction']);
  const { allowInProduction = false } = options;
  if (typeof allowInProduction !== 'boolean') {
    throw invalidType(`\`allowInProduction\` must be a boolean, got ${describeType(allowInProduction)}.`);
  }
  const isRefused = (): boolean => !allowInProduction && process.env['NODE_ENV'] === 'production';
  const refusal = `A key in plaintext in the environment is for local work: while NODE_ENV is production, use another store, or set \`allowInProduction\`.`;
  if (isRefused()) throw invalidType(refusal);
  return {
    name: ENVIRONMENT,
    plaintextAtRest: true,
    async load({ stage, signal, known }) {
      signal.throwIfAborted();
      if (stage !== 'current') return undefined;
      // Files of variables are read late, after modules that make a store.
      if (isRefused()) throw new KeyAccessDeniedError(refusal, about);
      const value = process.env[name];
      if (value === undefined) {
        // What does not look like a variable's name may be the key, put in its place.
        const shown = VARIABLE.test(name) ? `\`${name}\`` : 'that holds the key';
        throw new KeyNotFoundError(`The environment variable ${shown} is not set.`, about);
      }
      const bytes = new TextEncoder().encode(value);
      const version = derivePlaintextVersion('e', bytes);
      if (known?.includes(version) !== true) return { bytes, version };
      bytes.fill(0);
      return { unchanged: true, version };
    },
  };
}
