import {
  getRequestClock,
  checkOptionalString,
  deriveCiphertextVersion,
  type EncryptionContext,
  type KeyProvider,
} from '../../core/index.js';
import { ciphertextSource, readCiphertext, type Ciphertext } from './ciphertext.js';
import type { CipherCall } from './create-cipher.js';
import { checkContext } from './encryption-context.js';
import { raceAbort } from '../../util/deadline.js';

/** Options of every key store over one ciphertext. */
export interface CiphertextOptions {
  /**
   * The ciphertext of 60 to 6_144 bytes: base64 (white space around it is ignored), bytes, or a function that every load
   * calls, so that a rejected key can be read anew from the configuration. If it is `undefined` (an unset variable), a load
   * fails with a `KeyNotFoundError` that says so.
   */
  ciphertext: Ciphertext | (() => Ciphertext | Promise<Ciphertext>);
  /** The context that the key was encrypted with, letter for letter, at most 8 KB. Required: `{}` stands for none. */
  encryptionContext: EncryptionContext;
  /** The key's version in events and errors. Default: `c-` and the first 8 hex digits of SHA-256(ciphertext). */
  version?: string | undefined;
}

/** One decryption for a load. */
export interface DecryptOrder extends CipherCall {
  readonly ciphertext: Uint8Array;
  /** The version that errors carry. */
  readonly version?: string | undefined;
}

/**
 * Creates a key store over one ciphertext, which has a `current` key only.
 *
 * @param decrypt - returns the plaintext in a new buffer
 */
export function ciphertextProvider(
  name: string,
  options: CiphertextOptions,
  decrypt: (order: DecryptOrder) => Uint8Array | Promise<Uint8Array>,
): KeyProvider {
  const source = ciphertextSource(options.ciphertext);
  const context = checkContext('encryptionContext', options.encryptionContext);
  const pinned = checkOptionalString('version', options.version);
  return {
    name,
    async load(request) {
      const { stage, signal } = request;
      signal.throwIfAborted();
      if (stage !== 'current') return undefined;
      const ciphertext = await raceAbort(readCiphertext(source, name), signal);
      const version = pinned ?? deriveCiphertextVersion(ciphertext);
      // Never `unchanged`: the permission to decrypt may have been revoked, which must take effect at the next load.
      const bytes = await decrypt({ ciphertext, context, version, signal, clock: getRequestClock(request) });
      return { bytes, version };
    },
  };
}
