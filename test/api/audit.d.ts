import type { GoldKeyErrorCode, KeyProvider, KeyedClient, Stage } from 'goldkey';

export interface Audit {
  add(clients: KeyedClient | readonly KeyedClient[]): void;
  flush(): Promise<void>;
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export type AuditEvent =
  | 'key.loaded'
  | 'key.load-failed'
  | 'key.used'
  | 'key.rejected'
  | 'key.repaired'
  | 'key.stale'
  | 'key.evicted'
  | 'gate.closed'
  | 'rollout.reverted'
  | 'break-glass'
  | 'rotation.step'
  | 'alert'
  | 'checkpoint'
  | 'opened'
  | 'closed';

export interface AuditOptions {
  actor?: string | (() => string | undefined) | undefined;
  usageInterval?: number | undefined;
  chain?: boolean | undefined;
  chainKey?: Uint8Array | undefined;
  format?: ((record: AuditRecord) => object) | undefined;
  onError?: ((error: unknown) => void) | undefined;
}

export interface AuditRecord {
  v: 1;
  id: string;
  seq: number;
  time: string;
  event: AuditEvent;
  outcome: 'success' | 'failure';
  severity: 'info' | 'warning' | 'critical';
  client: string;
  provider: string;
  stage?: Stage | undefined;
  version?: string | undefined;
  fingerprint?: string | undefined;
  keyId?: string | undefined;
  requestId?: string | undefined;
  code?: GoldKeyErrorCode | undefined;
  durationMs?: number | undefined;
  uses?: number | undefined;
  failures?: number | undefined;
  since?: string | undefined;
  kind?: string | undefined;
  value?: number | undefined;
  expected?: number | undefined;
  host: string;
  pid: number;
  actor?: string | undefined;
  prev?: string | undefined;
  mac?: string | undefined;
}

export interface AuditSink {
  write(line: string): void | Promise<void>;
  reopen?(): Promise<void>;
  close?(): Promise<void>;
}

export interface AuditVerdict {
  records: number;
  ok: boolean;
  brokenAt?: number | undefined;
}

export interface FileSinkOptions {
  mode?: number | undefined;
  fsync?: 'always' | 'never' | undefined;
  maxBuffer?: number | undefined;
}

export interface VerifyAuditOptions {
  chainKey?: Uint8Array | undefined;
}

export declare function audit(
  clients: KeyedClient | readonly KeyedClient[],
  sinks: AuditSink | readonly AuditSink[],
  options?: AuditOptions,
): Audit;

export declare function auditedProvider(provider: KeyProvider, audit: Audit): KeyProvider;

export declare function fileSink(path: string, options?: FileSinkOptions): AuditSink;

export declare function streamSink(stream: NodeJS.WritableStream): AuditSink;

export declare function toEcs(record: AuditRecord): object;

export declare function toOcsf(record: AuditRecord): object;

export declare function verifyAudit(lines: AsyncIterable<string>, options?: VerifyAuditOptions): Promise<AuditVerdict>;
