import type { KeyVaultSecret, SecretProperties } from '@azure/keyvault-secrets';
import {
  getRequestClock,
  isGoldKeyError,
  KeyFormatError,
  KeyNotFoundError,
  nodeTypes,
  type Clock,
  type KeyProvider,
  quote,
} from '../../core/index.js';
import { refuseDocument } from '../shared/document.js';
import { createAzureClient, type AzureClient } from './client.js';
import { AZURE_KEY_VAULT } from './errors.js';
import { checkAzureOptions, type FromAzureKeyVaultOptions } from './options.js';

/**
 * Creates a key store over one secret of Azure Key Vault. `current` is the newest version that is enabled and in date
 * (`notBefore`, `expiresOn`): set a new version to rotate, disable a bad one to go back. `previous` is the next older
 * usable version, and serves while the price API does not yet accept the newest; disable a version to stop its use.
 * There is no `pending`.
 *
 * A load lists the versions and reads one, so the caller needs the permissions `list` and `get` on secrets; a version
 * that is already cached is not read again. `@azure/keyvault-secrets` (an optional peer) is loaded by the first load,
 * and `@azure/identity` with its `DefaultAzureCredential` if neither `credential` nor `client` is given. A request may
 * take 2,000 ms; a transient failure is retried twice (after about 100 ms, 1,000 ms if throttled) within `keyTimeout`.
 * The SDK returns the secret as a string, which cannot be zeroed.
 *
 * @param options - see {@link FromAzureKeyVaultOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it closes the connections made here
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has an unknown name or a wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: `vaultUrl` is not the address of a vault or is plain http to
 * another machine, `secretName` is not the name of a secret, or `client` is for another vault
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no such secret, or no version is enabled and in date
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: access policy, role, firewall or tenant deny it
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the secret is empty, over 25,600 bytes, or a certificate's
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a failure of the service or the
 * network, no credentials, an expired token
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: three requests without an answer in 2,000 ms
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: a package of the SDK is not installed
 *
 * @example
 * ```ts
 * import { fromAzureKeyVault } from 'goldkey/azure-key-vault';
 *
 * const keyProvider = fromAzureKeyVault({ vaultUrl: 'https://gold.vault.azure.net', secretName: 'metals-api-key' });
 * ```
 */
export function fromAzureKeyVault(options: FromAzureKeyVaultOptions): KeyProvider {
  const checked = checkAzureOptions('fromAzureKeyVault', options);
  const { secretName } = checked;
  const client = createAzureClient(checked);
  return {
    name: AZURE_KEY_VAULT,
    async load(request) {
      const { stage, signal, known } = request;
      signal.throwIfAborted();
      if (stage === 'pending') return undefined;
      const secret = { client, secretName, signal, clock: getRequestClock(request) };
      const position = stage === 'current' ? 0 : 1;
      try {
        return await loadVersion(secret, position, known);
      } catch (error) {
        // The version was probably disabled after it was listed: an operator goes back, and that must not cost the key.
        // The second answer is final.
        if (!isListedVersionGone(error)) throw error;
        return await loadVersion(secret, position, known);
      }
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

interface Secret {
  readonly client: AzureClient;
  readonly secretName: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

async function loadVersion(secret: Secret, position: 0 | 1, known: readonly string[] | undefined) {
  const found = (await listUsableVersions(secret))[position];
  if (found === undefined) return undefined;
  const { version, expiresAt } = found;
  // The list has just shown that it is still enabled and in date, and a version's value never changes.
  if (known?.includes(version) === true) return { unchanged: true as const, version, expiresAt };
  return { ...found, bytes: readBytes(secret.secretName, version, await readSecret(secret, version)) };
}

/** Returns whether the vault denies a version that it has just listed. */
function isListedVersionGone(error: unknown): boolean {
  const isFinal = isGoldKeyError(error, 'ERR_GOLDKEY_ACCESS_DENIED') || isGoldKeyError(error, 'ERR_GOLDKEY_NOT_FOUND');
  return isFinal && error.version !== undefined;
}

/**
 * Returns the versions that are enabled and in date, newest first. Azure's own `latest` is the last version created, even
 * if it is disabled or expired, so that an operator could not go back by disabling a bad one.
 */
async function listUsableVersions(secret: Secret) {
  const { client, secretName, signal, clock } = secret;
  const listed = await client.call({ permission: 'list', secretName }, secret, async (sdkClient) => {
    const versions: SecretProperties[] = [];
    for await (const properties of sdkClient.listPropertiesOfSecretVersions(secretName, { abortSignal: signal })) {
      signal.throwIfAborted();
      versions.push(properties);
    }
    return versions;
  });
  const now = clock.now();
  const obstacles = listed.map((properties) => findObstacle(properties, now));
  const usable = listed
    .filter((_, index) => obstacles[index] === undefined)
    .map(({ version = '', createdOn, expiresOn }) => ({
      version,
      createdAt: createdOn?.getTime() ?? 0,
      expiresAt: expiresOn?.getTime(),
    }))
    .toSorted((a, b) => b.createdAt - a.createdAt || (a.version < b.version ? 1 : -1));
  const [first, second] = usable;
  if (first === undefined) {
    throw new KeyNotFoundError(
      `The secret ${quote(secretName)} of Azure Key Vault has no version that is enabled and in date (${countObstacles(obstacles)}); enable one or add one.`,
      { provider: AZURE_KEY_VAULT },
    );
  }
  if (first.createdAt !== second?.createdAt) return usable;
  // Azure's times are whole seconds: of two versions created within one, only `latest` tells which came last.
  const latest = await readLatestVersion(secret);
  return usable.toSorted(
    (a, b) => b.createdAt - a.createdAt || Number(b.version === latest) - Number(a.version === latest),
  );
}

async function readLatestVersion(secret: Secret): Promise<string | undefined> {
  try {
    return (await readSecret(secret, undefined)).properties.version;
  } catch (error) {
    // The latest version is disabled; the order of those before it is unknown.
    if (isGoldKeyError(error, 'ERR_GOLDKEY_ACCESS_DENIED')) return undefined;
    throw error;
  }
}

function readSecret(secret: Secret, version: string | undefined): Promise<KeyVaultSecret> {
  const { client, secretName, signal } = secret;
  const options = { abortSignal: signal, ...(version === undefined ? {} : { version }) };
  return client.call({ permission: 'get', secretName, version }, secret, (sdkClient) =>
    sdkClient.getSecret(secretName, options),
  );
}

/** Returns the reason why a version cannot be used now, or `undefined` if it can. */
function findObstacle({ version, enabled, notBefore, expiresOn }: SecretProperties, now: number): string | undefined {
  if (version === undefined || version === '') return 'nameless';
  if (enabled === false) return 'disabled';
  if (nodeTypes().isDate(notBefore) && notBefore.getTime() > now) return 'not valid yet';
  if (nodeTypes().isDate(expiresOn) && expiresOn.getTime() <= now) return 'expired';
  return undefined;
}

/** Returns how many versions have which obstacle, e.g. `1 expired, 2 disabled`. */
function countObstacles(obstacles: ReadonlyArray<string | undefined>): string {
  const counts = [...new Set(obstacles)].map(
    (obstacle) => `${String(obstacles.filter((other) => other === obstacle).length)} ${String(obstacle)}`,
  );
  return counts.length === 0 ? 'none at all' : counts.join(', ');
}

/** The longest secret that Azure stores, in bytes. */
const MAX_SECRET_BYTES = 25_600;
/** Azure stores a certificate's private key as a secret too: base64 or PEM. */
const CERTIFICATE_TYPES: readonly unknown[] = ['application/x-pkcs12', 'application/x-pem-file'];

/** Returns a copy of a secret's value in bytes. The SDK's string is left to the garbage collector. */
function readBytes(secretName: string, version: string, { value, properties }: KeyVaultSecret): Uint8Array {
  const about = { provider: AZURE_KEY_VAULT, version };
  const createError = (problem: string): KeyFormatError =>
    new KeyFormatError(`The secret ${quote(secretName)} of Azure Key Vault ${problem}.`, about);
  if (properties.certificateKeyId !== undefined || CERTIFICATE_TYPES.includes(properties.contentType)) {
    throw createError('belongs to a certificate; expected a secret that is a text');
  }
  if (typeof value !== 'string') throw createError('has no text; expected a string');
  const bytes = new TextEncoder().encode(value);
  if (bytes.length > 0 && bytes.length <= MAX_SECRET_BYTES) {
    return refuseDocument(bytes, `The secret ${quote(secretName)} of Azure Key Vault`, about);
  }
  const length = String(bytes.length);
  bytes.fill(0);
  throw createError(`has ${length} bytes; expected 1 to ${String(MAX_SECRET_BYTES)}`);
}
