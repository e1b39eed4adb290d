/**
 * AWS KMS as a key store without the AWS SDK, for cold starts: `import { fromKmsLight } from 'goldkey/kms-light'`.
 *
 * @module
 */
export { fromKmsLight } from './from-kms-light.js';
export type { AwsCredentials } from '../../aws/sigv4.js';
export type { Ciphertext } from '../shared/ciphertext.js';
export type { CiphertextOptions } from '../shared/ciphertext-provider.js';
export type { PinnedKeyOptions } from '../shared/kms/pinned-key.js';
export type { FromKmsLightOptions } from './from-kms-light.js';
