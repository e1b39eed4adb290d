import type { EncryptionContext, KeyCipher, KeyProvider } from 'goldkey';
import type { Ciphertext } from 'goldkey/kms';

export interface MasterKeyOptions {
  masterKeyFile: string;
}

export declare function createMasterKey(path: string): Promise<void>;

export declare function fromLocal(options: MasterKeyOptions & CiphertextOptions): KeyProvider;

export declare function localCipher(
  options: MasterKeyOptions & {
    encryptionContext: EncryptionContext;
  },
): KeyCipher;

interface CiphertextOptions {
  ciphertext: Ciphertext | (() => Ciphertext | Promise<Ciphertext>);
  encryptionContext: EncryptionContext;
  version?: string | undefined;
}
