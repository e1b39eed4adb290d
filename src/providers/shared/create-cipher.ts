import {
  asUint8Array,
  checkBoolean,
  checkOptionNames,
  type Clock,
  computeFingerprint,
  copyBytes,
  describeType,
  encodeKey,
  type EncryptedKey,
  type EncryptionContext,
  invalidType,
  type KeyCipher,
  KeyFormatError,
  systemClock,
} from '../../core/index.js';
import { bindContext, checkContext, isPinnedContext } from './encryption-context.js';

/** The limit of one Encrypt call of KMS. */
const MAX_PLAINTEXT_BYTES = 4_096;

export interface CipherCall {
  /** The pinned EncryptionContext with the pairs of `bind`. */
  readonly context: EncryptionContext;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/** The part of a {@link KeyCipher} that differs from store to store. */
export interface CipherBackend {
  readonly name: string;
  /** Returns whether a ciphertext under this key may be decrypted here. Called for a matching cipher and context only. */
  acceptsKeyId(keyId: string): boolean;
  /** Encrypts 1 to 4,096 bytes, which the caller zeroes. */
  encrypt(plaintext: Uint8Array, call: CipherCall): EncryptedBytes | Promise<EncryptedBytes>;
  /** Checks the ciphertext's form and decrypts it into a buffer that the caller of the cipher zeroes. */
  decrypt(ciphertext: string | Uint8Array, call: CipherCall): Uint8Array | Promise<Uint8Array>;
  /** Releases the connection. Left out where there is nothing to close. */
  readonly close?: (() => Promise<void>) | undefined;
}

type EncryptedBytes = Pick<EncryptedKey, 'ciphertext' | 'keyId'>;
/** Creates a cipher over one key of `backend`, pinned to a copy of `encryptionContext`. */
export function createCipher(encryptionContext: unknown, backend: CipherBackend): KeyCipher {
  const { name, close } = backend;
  const pinned = checkContext('encryptionContext', encryptionContext);
  const checkCall = (
    method: string,
    options: NonNullable<Parameters<KeyCipher['decrypt']>[1]>,
    more: readonly string[] = [],
  ): CipherCall => {
    checkOptionNames(method, options, ['bind', 'signal', ...more]);
    const { bind, signal } = options;
    const context = bindContext(pinned, bind);
    signal?.throwIfAborted();
    return { context, signal, clock: systemClock };
  };
  return {
    name,
    encryptionContext: pinned,
    accepts: (version) =>
      version.cipher === name &&
      isPinnedContext(pinned, version.encryptionContext) &&
      backend.acceptsKeyId(version.keyId),
    async encrypt(key, options = {}) {
      const call = checkCall('encrypt', options, ['raw']);
      const isRaw = checkBoolean('raw', options.raw);
      const plaintext = isRaw ? encodeRaw(key) : encodeKey(key, { provider: name });
      try {
        if (plaintext.length === 0 || plaintext.length > MAX_PLAINTEXT_BYTES) {
          throw new KeyFormatError(
            `The key to encrypt has ${String(plaintext.length)} bytes; it must have 1 to ${String(MAX_PLAINTEXT_BYTES)}.`,
            { provider: name },
          );
        }
        const { ciphertext, keyId } = await backend.encrypt(plaintext, call);
        return {
          ciphertext,
          keyId,
          encryptionContext: call.context,
          fingerprint: computeFingerprint(plaintext),
          createdAt: systemClock.now(),
        };
      } finally {
        plaintext.fill(0);
      }
    },
    async decrypt(ciphertext, options = {}) {
      return await backend.decrypt(ciphertext, checkCall('decrypt', options));
    },
    ...(close !== undefined && { close }),
  };
}

/** Returns a copy of bytes that are no API key. */
function encodeRaw(key: unknown): Uint8Array {
  if (typeof key === 'string') return new TextEncoder().encode(key);
  const bytes = asUint8Array(key);
  if (bytes !== undefined) return copyBytes(bytes);
  throw invalidType(`\`key\` must be a string or a Uint8Array, got ${describeType(key)}.`);
}
