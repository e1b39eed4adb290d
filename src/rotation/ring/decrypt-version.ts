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

/** The EncryptionContext pair that binds a ciphertext to its ring. */
export const RING_BINDING = 'goldkey:ring';

/**
 * Decrypts a version with the ciphers that the code pins, whatever the ring names: an attacker who can edit the ring
 * can break it, but cannot make a client send another secret. The caller zeroes the bytes.
 */
export async function decryptVersion(
  source: RingSource,
  name: string,
  version: RingVersion,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const refuse = (problem: string): KeyDecryptError =>
    new KeyDecryptError(`Version ${name} of the key ring \`${source.name}\` ${problem}.`, {
      provider: source.store.name,
      version: name,
    });
  const boundTo = version.encryptionContext[RING_BINDING];
  if (boundTo !== source.name) {
    throw refuse(`was encrypted for ${boundTo === undefined ? 'no ring' : 'another ring'}; it was not decrypted`);
  }
  const ciphers = source.ciphers.filter((cipher) => cipher.accepts(version));
  if (ciphers.length === 0) {
    throw refuse('names a master key or EncryptionContext that `cipher` does not accept; it was not decrypted');
  }
  const bytes = await tryCiphers(ciphers, name, version.ciphertext ?? '', source.name, signal);
  if (computeFingerprint(bytes) === version.fingerprint) return bytes;
  bytes.fill(0);
  throw refuse('does not hold the key that its fingerprint names; the key was not used');
}

/** Decrypts with the first cipher that can: an alias does not tell which of two master keys a version is under. */
async function tryCiphers(
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
      // A transient error leaves open whether this cipher could decrypt, so it must not be hidden by another one's.
      if (error.retryable) throw copyError(error, { version: name });
    }
  }
  throw first as GoldKeyError;
}
