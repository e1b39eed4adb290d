import {
  getRequestClock,
  checkOptionalString,
  deriveCiphertextVersion,
  type Clock,
  type EncryptionContext,
  type KeyProvider,
} from '../../core/index.js';
import { ciphertextSource, readCiphertext, type Ciphertext } from './ciphertext.js';
import { checkContext } from './encryption-context.js';
import { raceAbort } from '../../util/deadline.js';

/** What every provider of one ciphertext is told. */
export interface CiphertextOptions {
  /**
   * base64 (a newline at either end is ignored), bytes, or a function that is read at every load, so that a refused
   * key can be re-read from wherever configuration lives. `undefined` (an unset variable) makes a load fail with a
   * `KeyNotFoundError` that says so.
   */
  ciphertext: Ciphertext | (() => Ciphertext | Promise<Ciphertext>);
  /** What the key was encrypted with, letter for letter, at most 8 KB. Required: no context is an explicit `{}`. */
  encryptionContext: EncryptionContext;
  /** Names the key in events and errors. Default: `c-` and the first 8 hex digits of SHA-256(ciphertext). */
  version?: string | undefined;
}

/** What is decrypted, and for whom. */
export interface DecryptOrder {
  ciphertext: Uint8Array;
  context: EncryptionContext;
  version?: string | undefined;
  signal: AbortSignal | undefined;
  clock: Clock;
}

/** A provider over one ciphertext: it has a `current` key and no other. `decrypt` hands over bytes of their own. */
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
      // `known` is not answered: an unchanged ciphertext does not mean that it may still be decrypted, and a revocation
      // has to take effect at the next load.
      const bytes = await decrypt({ ciphertext, context, version, signal, clock: getRequestClock(request) });
      return { bytes, version };
    },
  };
}
