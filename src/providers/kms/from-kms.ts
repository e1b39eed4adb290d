import type { AwsConnectionOptions } from '../../aws/client.js';
import type { KeyProvider } from '../../core/index.js';
import { ciphertextBytes } from '../shared/ciphertext.js';
import { CIPHERTEXT_OPTIONS, ciphertextProvider, type CiphertextOptions } from '../shared/ciphertext-provider.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import type { PinnedKeyOptions } from '../shared/kms/pinned-key.js';
import { checkKmsKey, decryptWithKms } from './client.js';

/** Options of {@link fromKms}. */
export interface FromKmsOptions extends CiphertextOptions, PinnedKeyOptions, AwsConnectionOptions {}

/**
 * Returns a key store over one AWS KMS ciphertext, which is decrypted when the key is needed. The ciphertext is bound to
 * its EncryptionContext and safe to commit. The store has a `current` key only; for two live keys see `goldkey/rotation`.
 *
 * It needs `@aws-sdk/client-kms`; how it loads, retries and fails is said at {@link AwsConnectionOptions}.
 *
 * @param options - see {@link FromKmsOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the KMS client
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no ciphertext (an unset variable), or no such KMS key
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the ciphertext is not base64, empty, too short or too long
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM or the key policy denies it, or the KMS key is
 * disabled or pending deletion
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: damaged ciphertext, another EncryptionContext or another key
 * @throws {GoldKeyError} by a load: the errors of {@link AwsConnectionOptions}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream', environment: 'production' },
 *     keyId: 'alias/gold-api-keys',
 *   }),
 *   ...metalsApi(),
 * });
 * console.log(await gold.getPrice('XAU'));
 * ```
 */
export function fromKms(options: FromKmsOptions): KeyProvider {
  const key = checkKmsKey('fromKms', options, CIPHERTEXT_OPTIONS);
  return {
    ...ciphertextProvider(AWS_KMS, options, ciphertextBytes, (order) => decryptWithKms(key, order)),
    close: () => key.connection.close(),
  };
}
