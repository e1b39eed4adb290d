import type { AwsConnectionOptions } from '../../aws/client.js';
import { checkString, KeyProviderError, type EncryptionContext, type KeyCipher } from '../../core/index.js';
import { ciphertextBytes } from '../shared/ciphertext.js';
import { createCipher } from '../shared/create-cipher.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { checkUsedKey, mayBeSameKey, type PinnedKeyOptions } from '../shared/kms/pinned-key.js';
import { checkKmsKey, decryptWithKms } from './client.js';

/** Options of {@link kmsCipher}. */
export interface KmsCipherOptions extends PinnedKeyOptions, AwsConnectionOptions {
  /** ARN, key id or alias of the KMS key that encrypts and decrypts. Required. */
  keyId: string;
  /** Pairs that each ciphertext is bound to, exactly as given; at most 8 KB. Required: an empty context is `{}`. */
  encryptionContext: EncryptionContext;
}

/**
 * Returns a cipher that encrypts and decrypts API keys under one AWS KMS key and one EncryptionContext, for key rings and
 * for programs that encrypt keys themselves.
 *
 * `encrypt` needs kms:Encrypt, and answers with the key's ARN whatever `keyId` is. `decrypt` returns a buffer that the
 * caller zeroes. Both fail as the loads of `fromKms` do.
 *
 * @param options - the KMS key, the context and the connection; copied
 * @returns a cipher; `close` releases its KMS client
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB; more errors: see {@link AwsConnectionOptions}
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by `encrypt`: no client would accept the key, or it has over 4,096 bytes
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
  const key = checkKmsKey('kmsCipher', options, ['encryptionContext']);
  const { connection, grantTokens } = key;
  const keyId = checkString('keyId', key.keyId);
  return createCipher(options.encryptionContext, {
    name: AWS_KMS,
    acceptsKeyId: (id) => mayBeSameKey(keyId, id),
    async encrypt(plaintext, { context, signal, clock }) {
      const input = { KeyId: keyId, Plaintext: plaintext, EncryptionContext: context, GrantTokens: grantTokens };
      const { CiphertextBlob: ciphertext, KeyId: usedKey } = await connection.call(
        { operation: 'Encrypt', keyId, context },
        (sdk, client, http) => client.send(new sdk.EncryptCommand(input), http),
        { signal, clock },
      );
      if (ciphertext === undefined || ciphertext.byteLength === 0 || usedKey === undefined) {
        throw new KeyProviderError('AWS KMS answered Encrypt without a ciphertext or without the key that it used.', {
          provider: AWS_KMS,
        });
      }
      checkUsedKey(key, usedKey);
      return { ciphertext: Buffer.from(ciphertext).toString('base64'), keyId: usedKey };
    },
    decrypt: (ciphertext, call) => decryptWithKms(key, { ...call, ciphertext: ciphertextBytes(ciphertext, AWS_KMS) }),
    close: () => connection.close(),
  });
}
