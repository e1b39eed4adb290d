import {
  getRequestClock,
  isGoldKeyError,
  type KeyProvider,
  type LoadedKey,
  type UnchangedKey,
} from '../../core/index.js';
import { azureLink } from './client.js';
import { AZURE_KEY_VAULT } from './errors.js';
import { checkAzureOptions, type FromAzureKeyVaultOptions } from './options.js';
import { secretBytes, usableVersions, type SecretRequest } from './versions.js';

/**
 * A key store over one secret of Azure Key Vault. `current` is the newest version that is enabled and in date
 * (`notBefore`, `expiresOn`): set a new version to rotate, disable a bad one to go back. `previous` is the next older one
 * of those, and serves while the price API does not yet take the newest; disable a version to have it used no more.
 *
 * A load lists the versions and reads one, so that the caller needs `list` and `get` on secrets; while the newest version
 * stays the same it is not read again. Nothing is loaded before the first load: `@azure/keyvault-secrets` (an optional
 * peer) comes then, and `@azure/identity` with its `DefaultAzureCredential` where neither `credential` nor `client` is
 * given. A request may take 2 s; a transient fault is tried again twice (after about 100 ms, 1 s when throttled) within
 * `keyTimeout`. The SDK hands a secret over as a string, which cannot be zeroed.
 *
 * @param options - see {@link FromAzureKeyVaultOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it closes the connections made here
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: plain http to another machine, no address of a vault, no name of
 * a secret
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no such secret, or no version is enabled and in date
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: access policy, role, firewall or tenant refuse
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the secret is empty, over 25,600 bytes, or a certificate's
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a fault of the service or the
 * network, no credentials, a token that has expired
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: no answer within 2 s, three times
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: a package that it needs is not installed
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromAzureKeyVault } from 'goldkey/azure-key-vault';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromAzureKeyVault({ vaultUrl: 'https://gold.vault.azure.net', secretName: 'metals-api-key' }),
 *   ...metalsApi(),
 * });
 * console.log(await gold.getPrice('XAU'));
 * ```
 */
export function fromAzureKeyVault(options: FromAzureKeyVaultOptions): KeyProvider {
  const checked = checkAzureOptions('fromAzureKeyVault', options);
  const { secretName } = checked;
  const link = azureLink(checked);
  return {
    name: AZURE_KEY_VAULT,
    async load(request) {
      const { stage, signal, known } = request;
      signal.throwIfAborted();
      if (stage === 'pending') return undefined;
      const asked = { link, secretName, signal, clock: getRequestClock(request) };
      const place = stage === 'current' ? 0 : 1;
      try {
        return await loadVersion(asked, place, known);
      } catch (error) {
        // Most likely disabled since it was listed: an operator goes back, and that must not cost the key. Once more, and
        // it is the vault's last word.
        if (!isRefused(error)) throw error;
        return await loadVersion(asked, place, known);
      }
    },
    close() {
      link.close();
      return Promise.resolve();
    },
  };
}

async function loadVersion(
  asked: SecretRequest,
  place: 0 | 1,
  known: readonly string[] | undefined,
): Promise<LoadedKey | UnchangedKey | undefined> {
  const chosen = (await usableVersions(asked))[place];
  if (chosen === undefined) return undefined;
  const { version, expiresAt, createdAt } = chosen;
  // The list has just said that it is still enabled and in date, and a version's value never changes.
  if (known?.includes(version) === true) return { unchanged: true, version, expiresAt };
  const bytes = await secretBytes(asked, version);
  return { bytes, version, expiresAt, createdAt };
}

/** Whether the vault refused a version that it had listed. */
function isRefused(error: unknown): boolean {
  const refused = isGoldKeyError(error, 'ERR_GOLDKEY_ACCESS_DENIED') || isGoldKeyError(error, 'ERR_GOLDKEY_NOT_FOUND');
  return refused && error.version !== undefined;
}
