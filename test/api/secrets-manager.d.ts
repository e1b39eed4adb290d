import type { KeyProvider } from 'goldkey';

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

interface AwsConnectionOptions {
  region?: string | undefined;
  client?: object | undefined;
  clientConfig?: object | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
}
