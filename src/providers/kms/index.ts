/**
 * AWS KMS as a key store, on `@aws-sdk/client-kms`: `import { fromKms, kmsCipher } from 'goldkey/kms'`.
 *
 * @module
 */
export { fromKms } from './from-kms.js';
export { kmsCipher } from './kms-cipher.js';
export type { AwsConnectionOptions } from '../../aws/client.js';
export type { Ciphertext } from '../shared/ciphertext.js';
export type { CiphertextOptions } from '../shared/ciphertext-provider.js';
export type { PinnedKeyOptions } from '../shared/kms/pinned-key.js';
export type { FromKmsOptions } from './from-kms.js';
export type { KmsCipherOptions } from './kms-cipher.js';
