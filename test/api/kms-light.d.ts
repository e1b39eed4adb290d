import type { EncryptionContext, KeyProvider } from 'goldkey';
import type { Ciphertext } from 'goldkey/kms';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

export { Ciphertext } from 'goldkey/kms';

export interface FromKmsLightOptions extends CiphertextOptions, PinnedKeyOptions {
  region?: string | undefined;
  endpoint?: string | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
  agent?: object | undefined;
  credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
}

export declare function fromKmsLight(options: FromKmsLightOptions): KeyProvider;

interface CiphertextOptions {
  ciphertext: Ciphertext | (() => Ciphertext | Promise<Ciphertext>);
  encryptionContext: EncryptionContext;
  version?: string | undefined;
}

interface PinnedKeyOptions {
  keyId?: string | undefined;
  grantTokens?: readonly string[] | undefined;
}
