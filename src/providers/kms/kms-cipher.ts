import { checkString, systemClock, type EncryptionContext, type KeyCipher } from '../../core/index.js';
import { ciphertextBytes } from '../shared/ciphertext.js';
import { checkCipherCall, withPlaintext } from '../shared/create-cipher.js';
import { bindContext, checkContext, isPinnedContext } from '../shared/encryption-context.js';
import { mayBeSameKey } from './key-id.js';
import { AWS_KMS } from './errors.js';
import { decryptWithKms, encryptWithKms, kmsKey } from './key.js';
import type { KmsKeyOptions } from './options.js';

/** Options of {@link kmsCipher}. */
export interface KmsCipherOptions extends KmsKeyOptions {
  /** ARN, key id or alias of the key that encrypts and decrypts. */
  keyId: string;
  /** Bound into every ciphertext, letter for letter, at most 8 KB. Required: no context is an explicit `{}`. */
  encryptionContext: EncryptionContext;
}

/**
 * Encrypts and decrypts API keys under one AWS KMS key and one EncryptionContext: for key rings, and for encrypting a
 * key in a program of one's own.
 *
 * `encrypt` takes 1 to 4_096 bytes and answers with the key's ARN, whatever `keyId` was given as. `decrypt` hands over
 * a buffer that the caller zeroes. Both fail as the loads of {@link fromKms} do; `encrypt` needs kms:Encrypt.
 *
 * @param options - the KMS key, the context, and how to get to KMS; copied
 * @returns a cipher; `close` releases its KMS client
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, or an endpoint over plain http
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by `encrypt`: an empty key, or one over 4_096 bytes
 *
 * @example
 * ```ts
 * import { kmsCipher } from 'goldkey/kms';
 *
 * const cipher = kmsCipher({
 *   keyId: 'alias/gold-api-keys',
 *   encryptionContext: { service: 'gold-data-stream', environment: 'production' },
 * });
 * const { ciphertext, keyId, fingerprint } = await cipher.encrypt(newKey);
 * ```
 */
export function kmsCipher(options: KmsCipherOptions): KeyCipher {
  const key = kmsKey('kmsCipher', options, ['encryptionContext']);
  const keyId = checkString('keyId', key.keyId);
  const context = checkContext('encryptionContext', options.encryptionContext);
  return {
    name: AWS_KMS,
    encryptionContext: context,
    accepts: (version) =>
      version.cipher === AWS_KMS &&
      mayBeSameKey(keyId, version.keyId) &&
      isPinnedContext(context, version.encryptionContext),
    async encrypt(plain, call = {}) {
      const { bind, signal } = checkCipherCall('encrypt', call);
      const bound = bindContext(context, bind);
      return await withPlaintext(plain, AWS_KMS, (plaintext) =>
        encryptWithKms({ ...key, keyId }, { plaintext, context: bound, signal, clock: systemClock }),
      );
    },
    async decrypt(ciphertext, call = {}) {
      const { bind, signal } = checkCipherCall('decrypt', call);
      return await decryptWithKms(key, {
        ciphertext: ciphertextBytes(ciphertext, AWS_KMS),
        context: bindContext(context, bind),
        signal,
        clock: systemClock,
      });
    },
    close: () => key.link.close(),
  };
}
