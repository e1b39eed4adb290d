import type { EncryptionContext, KeyCipher, KeyProvider } from 'goldkey';

export type Ciphertext = string | Uint8Array | undefined;

export interface FromKmsOptions extends CiphertextOptions, PinnedKeyOptions, AwsConnectionOptions {}

export declare function fromKms(options: FromKmsOptions): KeyProvider;

export declare function kmsCipher(options: KmsCipherOptions): KeyCipher;

interface AwsConnectionOptions {
  region?: string | undefined;
  client?: object | undefined;
  clientConfig?: object | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
}

interface CiphertextOptions {
  ciphertext: Ciphertext | (() => Ciphertext | Promise<Ciphertext>);
  encryptionContext: EncryptionContext;
  version?: string | undefined;
}

interface KmsCipherOptions extends PinnedKeyOptions, AwsConnectionOptions {
  keyId: string;
  encryptionContext: EncryptionContext;
}

interface PinnedKeyOptions {
  keyId?: string | undefined;
  grantTokens?: readonly string[] | undefined;
}
