import type { GoldKeyError, GoldKeyErrorCode, KeyedClient } from 'goldkey';

export interface Alert {
  kind: 'spike' | 'rejections' | 'age' | 'unused' | 'usage-mismatch' | 'break-glass';
  severity: 'warning' | 'critical';
  client: string;
  version?: string | undefined;
  at: number;
  value: number;
  expected?: number | undefined;
}

export declare class KeyHeldError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export interface Watch {
  release(): void;
  close(): void;
}

export interface WatchOptions {
  window?: number | undefined;
  factor?: number | undefined;
  min?: number | undefined;
  warmUp?: number | undefined;
  maxAge?: number | undefined;
  warnBefore?: number | undefined;
  unusedAfter?: number | undefined;
  rejections?: number | undefined;
  usage?:
    | {
        read(options: { signal: AbortSignal }): Promise<{
          used: number;
        }>;
        tolerance: number;
        every: number;
      }
    | undefined;
  onAlert(alert: Alert): void;
  failSafe?: ReadonlyArray<Alert['kind']> | undefined;
}

export declare function watch(clients: KeyedClient | readonly KeyedClient[], options: WatchOptions): Watch;
