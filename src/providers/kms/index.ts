/**
 * AWS KMS as a key store, on `@aws-sdk/client-kms`: `import { fromKms, kmsCipher } from 'goldkey/kms'`.
 *
 * @module
 */
export { fromKms } from './from-kms.js';
export { kmsCipher } from './kms-cipher.js';
export type { Ciphertext } from '../shared/ciphertext.js';
export type { FromKmsOptions } from './from-kms.js';
