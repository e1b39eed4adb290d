import type { KeyProvider } from 'goldkey';

export type FromFileOptions = KeyFileLocation & KeyFileOptions;

export type KeyFileLocation =
  | {
      path: string;
      credential?: undefined;
    }
  | {
      credential: string;
      path?: undefined;
    };

export interface KeyFileOptions {
  pendingPath?: string | undefined;
  previousPath?: string | undefined;
  maxSize?: number | undefined;
  watch?: boolean | undefined;
}

export declare function fromFile(options: FromFileOptions): KeyProvider;
