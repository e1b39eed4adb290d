import {
  checkOptionalString,
  deriveCiphertextVersion,
  type EncryptionContext,
  getRequestClock,
  type KeyProvider,
  raceAbort,
} from '../../core/index.js';
import { createByteSource } from './byte-source.js';
import type { Ciphertext } from './ciphertext.js';
import type { CipherCall } from './create-cipher.js';
import { refuseDocument } from './document.js';
import { checkContext } from './encryption-context.js';

/** Options of every key store over one ciphertext. */
export interface CiphertextOptions {
  /**
   * The ciphertext of 60 to 6_144 bytes: the text that `goldkey encrypt` printed (base64 of AWS KMS, a JWE of a master key;
   * white space around it is ignored), bytes, or a function that every load calls, so that a rejected key can be read anew
   * from the configuration. If it is `undefined` (an unset variable), a load fails with a `KeyNotFoundError` that says so.
   */
  ciphertext: Ciphertext | (() => Ciphertext | Promise<Ciphertext>);
  /** The context that the key was encrypted with, letter for letter, at most 8 KB. Required: `{}` stands for none. */
  encryptionContext: EncryptionContext;
  /** The key's version in events and errors. Default: `c-` and the first 8 hex digits of SHA-256(ciphertext). */
  version?: string | undefined;
}

export const CIPHERTEXT_OPTIONS: readonly string[] = ['ciphertext', 'encryptionContext', 'version'];

const ENCRYPT_ALONE = 'encrypt the key alone';

export interface DecryptOrder<C = Uint8Array> extends CipherCall {
  readonly ciphertext: C;
  /** The version that errors carry. */
  readonly version?: string | undefined;
}

/**
 * Creates a key store over one ciphertext, which has a `current` key only.
 *
 * @param parse - checks a ciphertext without the store
 * @param decrypt - returns the plaintext in a new buffer
 */
export function ciphertextProvider<C extends string | Uint8Array>(
  name: string,
  options: CiphertextOptions,
  parse: (ciphertext: unknown, provider: string) => C,
  decrypt: (order: DecryptOrder<C>) => Uint8Array | Promise<Uint8Array>,
): KeyProvider {
  const context = checkContext('encryptionContext', options.encryptionContext);
  const readSource = createByteSource(options.ciphertext, { name: 'ciphertext', text: 'a string', provider: name });
  const pinned = checkOptionalString('version', options.version);
  return {
    name,
    async load(request) {
      const { stage, signal } = request;
      signal.throwIfAborted();
      if (stage !== 'current') return undefined;
      const ciphertext = parse(await raceAbort(Promise.resolve(readSource()), signal), name);
      const version = pinned ?? deriveCiphertextVersion(Buffer.from(ciphertext));
      // Never `unchanged`: the permission to decrypt may have been revoked, which must take effect at the next load.
      const bytes = await decrypt({ ciphertext, context, version, signal, clock: getRequestClock(request) });
      return { bytes: refuseDocument(bytes, 'The plaintext', { provider: name, version }, ENCRYPT_ALONE), version };
    },
  };
}
