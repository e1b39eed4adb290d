import type { KeyProvider } from 'goldkey';

export interface BreakGlassOptions {
  provider: KeyProvider;
  enabledBy: string | (() => boolean | Promise<boolean>);
  maxDuration: number;
}

export interface ChainOptions {
  dangerouslyAllowPlaintextFallback?: boolean | undefined;
}

export declare function fromBreakGlass(options: BreakGlassOptions): KeyProvider;

export declare function fromChain(providers: readonly KeyProvider[], options?: ChainOptions): KeyProvider;
