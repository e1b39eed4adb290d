/**
 * AWS Secrets Manager as a key store, and its rotation, on `@aws-sdk/client-secrets-manager`:
 * `import { fromSecretsManager, rotationHandler } from 'goldkey/secrets-manager'`.
 *
 * @module
 */
export { fromSecretsManager } from './from-secrets-manager.js';
export type { AwsConnectionOptions } from '../../aws/client.js';
export type { FromSecretsManagerOptions } from './from-secrets-manager.js';
export { rotationHandler } from './rotation/handler.js';
export type { RotationEvent, RotationHandlerOptions } from './rotation/options.js';
