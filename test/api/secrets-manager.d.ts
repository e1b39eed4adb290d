import type { KeyProvider } from 'goldkey';
import type { AwsConnectionOptions } from 'goldkey/kms';

export { AwsConnectionOptions } from 'goldkey/kms';

export interface FromSecretsManagerOptions extends AwsConnectionOptions {
  secretId: string;
  field?: string | undefined;
}

export interface RotationEvent {
  SecretId: string;
  ClientRequestToken: string;
  Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
}

export interface RotationHandlerOptions {
  mintKey: (
    current: string,
    options: {
      rotationId: string;
      signal: AbortSignal;
    },
  ) => Promise<string>;
  activateKey?: ((key: string) => Promise<void>) | undefined;
  testKey: (
    key: string,
    options: {
      signal: AbortSignal;
    },
  ) => Promise<void>;
  field?: string | undefined;
  client?: object | undefined;
}

export declare function fromSecretsManager(options: FromSecretsManagerOptions): KeyProvider;

export declare function rotationHandler(
  options: RotationHandlerOptions,
): (event: RotationEvent, context?: object) => Promise<void>;
