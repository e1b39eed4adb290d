import type { EncryptionContext, KeyCipher, KeyProvider } from 'goldkey';
import type { CiphertextOptions } from 'goldkey/kms';

export { Ciphertext } from 'goldkey/kms';

export { CiphertextOptions } from 'goldkey/kms';

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
