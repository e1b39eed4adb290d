import type { AwsConnectionOptions } from '../../aws/client.js';
import type { KeyProvider } from '../../core/index.js';
import { ciphertextBytes } from '../shared/ciphertext.js';
import { ciphertextProvider, type CiphertextOptions } from '../shared/ciphertext-provider.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import type { PinnedKeyOptions } from '../shared/kms/pinned-key.js';
import { checkKmsKey, decryptWithKms } from './client.js';

/** Options of {@link fromKms}. */
export interface FromKmsOptions extends CiphertextOptions, PinnedKeyOptions, AwsConnectionOptions {}

/**
 * Returns a key store over one AWS KMS ciphertext, which is decrypted when the key is needed. The ciphertext is bound to
 * its EncryptionContext and safe to commit. The store has a `current` key only; for two live keys see `goldkey/rotation`.
 *
 * Nothing is loaded before the first load, which loads `@aws-sdk/client-kms` (an optional peer dependency: install it
 * beside goldkey) and makes the client. A transient failure is retried twice within `keyTimeout`, after about 100 ms, or
 * 1 s if throttled. The ciphertext, as base64 or bytes, must have 60 to 6,144 bytes.
 *
 * @param options - see {@link FromKmsOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the KMS client
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has the wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, or an endpoint over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no ciphertext (an unset variable), or no such KMS key
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the ciphertext is not base64, empty, too short or too long
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM or the key policy denies it, or the KMS key is
 * disabled or pending deletion
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: damaged ciphertext, another EncryptionContext or another key
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a failure of the service or the
 * network, or wrong credentials, clock or Region
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: no answer within 2 s, three times in a row
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: `@aws-sdk/client-kms` is not installed
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
  const key = checkKmsKey('fromKms', options, ['ciphertext', 'encryptionContext', 'version']);
  return {
    ...ciphertextProvider(AWS_KMS, options, ciphertextBytes, (order) => decryptWithKms(key, order)),
    close: () => key.connection.close(),
  };
}
