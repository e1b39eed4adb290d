import type { KeyProvider } from 'goldkey';

export interface FromEnvironmentOptions {
  allowInProduction?: boolean | undefined;
}

export declare function fromEnvironment(name: string, options?: FromEnvironmentOptions): KeyProvider;

export declare function pinnedVersion(name?: string): string | undefined;
