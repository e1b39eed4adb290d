import {
  copyError,
  computeFingerprint,
  isGoldKeyError,
  KeyDecryptError,
  type GoldKeyError,
  type KeyCipher,
} from '../../core/index.js';
import type { RingSource } from './read-ring.js';
import type { RingVersion } from './types.js';

/** The pair that ties a ciphertext to its ring. */
export const RING_BINDING = 'goldkey:ring';

/**
 * Decrypts one version under the ciphers that code pins, never under what the ring says: whoever can edit a ring can
 * break it, and never make a client send another secret. The bytes are the caller's to zero.
 */
export async function openVersion(
  source: RingSource,
  name: string,
  version: RingVersion & { readonly ciphertext: string },
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { store, ciphers } = source;
  const about = { provider: store.name, version: name };
  const boundTo = version.encryptionContext[RING_BINDING];
  if (boundTo !== source.name) {
    throw new KeyDecryptError(
      `Version ${name} of the key ring \`${source.name}\` says that it was encrypted for ${boundTo === undefined ? 'no ring' : 'another ring'}; it was not decrypted.`,
      about,
    );
  }
  const accepting = ciphers.filter((cipher) => cipher.accepts(version));
  if (accepting.length === 0) {
    throw new KeyDecryptError(
      `Version ${name} of the key ring \`${source.name}\` names another master key or EncryptionContext than \`cipher\` is pinned to; it was not decrypted.`,
      about,
    );
  }
  const bytes = await firstToOpen(accepting, name, version.ciphertext, source.name, signal);
  if (computeFingerprint(bytes) === version.fingerprint) return bytes;
  bytes.fill(0);
  throw new KeyDecryptError(
    `Version ${name} of the key ring \`${source.name}\` does not hold the key whose fingerprint it names; it was not used.`,
    about,
  );
}

/** Aliases leave it open which of two master keys a version is under: the next is tried when one cannot open it. */
async function firstToOpen(
  ciphers: readonly KeyCipher[],
  name: string,
  ciphertext: string,
  ring: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  let first: GoldKeyError | undefined;
  for (const cipher of ciphers) {
    try {
      return await cipher.decrypt(ciphertext, { bind: { [RING_BINDING]: ring }, signal });
    } catch (error) {
      if (!isGoldKeyError(error)) throw error;
      first ??= copyError(error, { version: name });
      // A store that is down says nothing about the ciphertext; the error of the one that may open it counts.
      if (error.retryable) throw copyError(error, { version: name });
    }
  }
  throw first as GoldKeyError;
}
