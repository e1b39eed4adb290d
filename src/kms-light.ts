/**
 * AWS KMS as a key store without the AWS SDK, for cold starts: `import { fromKmsLight } from 'goldkey/kms-light'`.
 *
 * @module
 */
export { fromKmsLight } from './providers/kms-light.js';
export type { AwsCredentials } from './providers/aws-signature.js';
export type { Ciphertext } from './providers/ciphertext.js';
export type { FromKmsLightOptions } from './providers/kms-light.js';
