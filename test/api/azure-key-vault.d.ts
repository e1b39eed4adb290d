import type { KeyProvider } from 'goldkey';

export interface FromAzureKeyVaultOptions {
  vaultUrl: string;
  secretName: string;
  credential?: object | undefined;
  client?: object | undefined;
}

export declare function fromAzureKeyVault(options: FromAzureKeyVaultOptions): KeyProvider;
