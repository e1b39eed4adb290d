import type { KeyVaultSecret, SecretClient, SecretProperties } from '@azure/keyvault-secrets';
import { isGoldKeyError, KeyFormatError, KeyNotFoundError, type Clock } from '../../core/index.js';
import { callAzure, type AzureLink } from './client.js';
import { AZURE_KEY_VAULT } from './errors.js';

/** One version of a secret that may be used now. */
export interface UsableVersion {
  readonly version: string;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
}

/** One load of one secret. */
export interface SecretRequest {
  readonly link: AzureLink;
  readonly secretName: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** No secret of Azure is longer, in bytes. */
const MAX_BYTES = 25_600;
/** What the vault keeps of a certificate is a secret too: base64 or PEM of its private key. */
const CERTIFICATES: readonly unknown[] = ['application/x-pkcs12', 'application/x-pem-file'];

/**
 * The versions that are enabled and in date, the newest first. Azure's own `latest` is the last one made, enabled or not,
 * so that it cannot serve an operator who goes back by disabling a bad one; and it gives out what has expired.
 */
export async function usableVersions(request: SecretRequest): Promise<readonly UsableVersion[]> {
  const { link, secretName, signal, clock } = request;
  const listed = await callAzure(
    link,
    { what: 'the list of versions', secretName, permission: 'list' },
    request,
    async (client) => {
      const found: SecretProperties[] = [];
      for await (const properties of client.listPropertiesOfSecretVersions(secretName, { abortSignal: signal })) {
        signal.throwIfAborted();
        found.push(properties);
      }
      return found;
    },
  );
  const now = clock.now();
  const usable = listed.filter((properties) => whyNot(properties, now) === undefined).map(toUsable);
  if (usable.length === 0) throw noVersion(secretName, listed, now);
  usable.sort((a, b) => b.createdAt - a.createdAt || (a.version < b.version ? 1 : -1));
  return await settled(request, usable);
}

/** Azure's times are whole seconds: of two versions made within one, only `latest` tells which came last. */
async function settled(request: SecretRequest, usable: UsableVersion[]): Promise<readonly UsableVersion[]> {
  const [first, second] = usable;
  if (first === undefined || first.createdAt !== second?.createdAt) return usable;
  try {
    const { version } = (await read(request, undefined)).properties;
    const latest = usable.find((one) => one.version === version && one.createdAt === first.createdAt);
    return latest === undefined ? usable : [latest, ...usable.filter((one) => one !== latest)];
  } catch (error) {
    // The last one made is disabled; which of those before it was the later one, nobody can tell.
    if (isGoldKeyError(error, 'ERR_GOLDKEY_ACCESS_DENIED')) return usable;
    throw error;
  }
}

/** The value of one version, in bytes of their own. The SDK's string is left to the garbage collector. */
export async function secretBytes(request: SecretRequest, version: string): Promise<Uint8Array> {
  const { value, properties } = await read(request, version);
  const about = { provider: AZURE_KEY_VAULT, version };
  const named = `The secret \`${request.secretName}\` of Azure Key Vault`;
  if (properties.certificateKeyId !== undefined || CERTIFICATES.includes(properties.contentType)) {
    throw new KeyFormatError(`${named} belongs to a certificate; a secret with a text was expected.`, about);
  }
  if (typeof value !== 'string') throw new KeyFormatError(`${named} has no text; a string was expected.`, about);
  const bytes = new TextEncoder().encode(value);
  if (bytes.length > 0 && bytes.length <= MAX_BYTES) return bytes;
  const size = String(bytes.length);
  bytes.fill(0);
  throw new KeyFormatError(`${named} has ${size} bytes; 1 to ${String(MAX_BYTES)} were expected.`, about);
}

function read(request: SecretRequest, version: string | undefined): Promise<KeyVaultSecret> {
  const { link, secretName, signal } = request;
  const options: Parameters<SecretClient['getSecret']>[1] = { abortSignal: signal };
  if (version !== undefined) options.version = version;
  const call = { what: 'the reading', secretName, permission: 'get', version } as const;
  return callAzure(link, call, request, (client) => client.getSecret(secretName, options));
}

function toUsable({ version = '', createdOn, expiresOn }: SecretProperties): UsableVersion {
  return { version, createdAt: createdOn?.getTime() ?? 0, expiresAt: expiresOn?.getTime() };
}

/** What keeps a version from being used now. */
function whyNot({ version, enabled, notBefore, expiresOn }: SecretProperties, now: number): string | undefined {
  if (version === undefined || version === '') return 'nameless';
  if (enabled === false) return 'disabled';
  if (notBefore instanceof Date && notBefore.getTime() > now) return 'not valid yet';
  if (expiresOn instanceof Date && expiresOn.getTime() <= now) return 'expired';
  return undefined;
}

function noVersion(secretName: string, listed: readonly SecretProperties[], now: number): KeyNotFoundError {
  const counts = new Map<string, number>();
  for (const properties of listed) {
    const reason = whyNot(properties, now) ?? '';
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const found = [...counts].map(([reason, count]) => `${String(count)} ${reason}`).join(', ');
  return new KeyNotFoundError(
    `The secret \`${secretName}\` of Azure Key Vault has no version that is enabled and in date (${found === '' ? 'none at all' : found}); enable one or add one.`,
    { provider: AZURE_KEY_VAULT },
  );
}
