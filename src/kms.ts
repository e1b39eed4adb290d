/**
 * AWS KMS as a key store, on `@aws-sdk/client-kms`: `import { fromKms, kmsCipher } from 'goldkey/kms'`.
 *
 * @module
 */
export { fromKms } from './providers/kms.js';
export { kmsCipher } from './providers/kms-cipher.js';
export type { Ciphertext } from './providers/ciphertext.js';
export type { FromKmsOptions } from './providers/kms.js';
