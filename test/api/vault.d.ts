import type { EncryptionContext, KeyCipher, KeyProvider, Stage } from 'goldkey';

export interface FromVaultOptions extends VaultConnection {
  mount?: string | undefined;
  path: string;
  field?: string | undefined;
  stages?: Partial<Record<Stage, number | string>> | undefined;
}

export interface FromVaultTransitOptions extends TransitKeyOptions {
  ciphertext: string | undefined | (() => string | undefined | Promise<string | undefined>);
  encryptionContext?: EncryptionContext | undefined;
}

export interface TransitKeyOptions extends VaultConnection {
  mount?: string | undefined;
  keyName: string;
}

export type VaultAuth =
  | {
      method: 'token';
      token: string | (() => string | Promise<string>);
    }
  | {
      method: 'approle';
      roleId: string;
      secretId: string | (() => string | Promise<string>);
      mount?: string | undefined;
    }
  | {
      method: 'kubernetes';
      role: string;
      jwtFile?: string | undefined;
      mount?: string | undefined;
    }
  | {
      method: 'aws';
      role: string;
      mount?: string | undefined;
      region?: string | undefined;
    }
  | {
      method: 'jwt';
      role: string;
      jwt?: string | (() => string | Promise<string>) | undefined;
      jwtFile?: string | undefined;
      mount?: string | undefined;
    }
  | {
      method: 'cert';
      name?: string | undefined;
      certFile: string;
      keyFile: string;
      mount?: string | undefined;
    };

export interface VaultConnection {
  address?: string | undefined;
  auth?: VaultAuth | undefined;
  namespace?: string | undefined;
  caFile?: string | undefined;
  dispatcher?: object | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
}

export declare function fromVault(options: FromVaultOptions): KeyProvider;

export declare function fromVaultTransit(options: FromVaultTransitOptions): KeyProvider;

export declare function transitCipher(
  options: TransitKeyOptions & {
    encryptionContext: EncryptionContext;
  },
): KeyCipher;
