import {
  copyError,
  computeFingerprint,
  isGoldKeyError,
  KeyDecryptError,
  type GoldKeyError,
  quote,
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
    new KeyDecryptError(`Version ${name} of the key ring ${quote(source.name)} ${problem}.`, {
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
  const options = { bind: { [RING_BINDING]: source.name }, signal };
  let bytes: Uint8Array | undefined;
  let firstError: GoldKeyError | undefined;
  // An alias does not tell which of two master keys a version is under, so each cipher is tried.
  for (const cipher of ciphers) {
    try {
      bytes = await cipher.decrypt(version.ciphertext ?? '', options);
      break;
    } catch (error) {
      if (!isGoldKeyError(error)) throw error;
      firstError ??= copyError(error, { version: name });
      // A transient error leaves open whether this cipher could decrypt, so it must not be hidden by another one's.
      if (error.retryable) throw copyError(error, { version: name });
    }
  }
  if (bytes === undefined) throw firstError;
  if (computeFingerprint(bytes) === version.fingerprint) return bytes;
  bytes.fill(0);
  throw refuse('does not hold the key that its fingerprint names; the key was not used');
}
