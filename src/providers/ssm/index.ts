/**
 * AWS Systems Manager Parameter Store as a key store, on `@aws-sdk/client-ssm`: `import { fromSsm } from 'goldkey/ssm'`.
 *
 * @module
 */
export { fromSsm } from './from-ssm.js';
export type { AwsConnectionOptions } from '../../aws/client.js';
export type { FromSsmOptions } from './from-ssm.js';
