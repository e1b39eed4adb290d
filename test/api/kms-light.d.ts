import type { KeyProvider } from 'goldkey';
import type { CiphertextOptions, PinnedKeyOptions } from 'goldkey/kms';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

export { Ciphertext } from 'goldkey/kms';

export { CiphertextOptions } from 'goldkey/kms';

export interface FromKmsLightOptions extends CiphertextOptions, PinnedKeyOptions {
  region?: string | undefined;
  endpoint?: string | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
  agent?: object | undefined;
  credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
}

export { PinnedKeyOptions } from 'goldkey/kms';

export declare function fromKmsLight(options: FromKmsLightOptions): KeyProvider;
