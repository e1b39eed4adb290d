import type { EncryptionContext, KeyCipher, KeyProvider } from 'goldkey';

export interface AwsConnectionOptions {
  region?: string | undefined;
  client?: object | undefined;
  clientConfig?: object | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
}

export type Ciphertext = string | Uint8Array | undefined;

export interface CiphertextOptions {
  ciphertext: Ciphertext | (() => Ciphertext | Promise<Ciphertext>);
  encryptionContext: EncryptionContext;
  version?: string | undefined;
}

export interface FromKmsOptions extends CiphertextOptions, PinnedKeyOptions, AwsConnectionOptions {}

export interface KmsCipherOptions extends PinnedKeyOptions, AwsConnectionOptions {
  keyId: string;
  encryptionContext: EncryptionContext;
}

export interface PinnedKeyOptions {
  keyId?: string | undefined;
  grantTokens?: readonly string[] | undefined;
}

export declare function fromKms(options: FromKmsOptions): KeyProvider;

export declare function kmsCipher(options: KmsCipherOptions): KeyCipher;
