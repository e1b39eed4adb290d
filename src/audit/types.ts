import type { GoldKeyErrorCode, KeyedClient, Stage } from '../core/index.js';

/** The kind of an audit record. */
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

/**
 * One record of an audit log: who used which key when. It is made of names, versions, ids and counts; no field holds a key.
 *
 * @example
 * ```ts
 * import type { AuditRecord } from 'goldkey/audit';
 *
 * const concernsLoad = ({ event }: AuditRecord): boolean => event === 'key.loaded' || event === 'key.load-failed';
 * ```
 */
export interface AuditRecord {
  /** Version of this form. */
  v: 1;
  /** UUID, the same in every sink. */
  id: string;
  /** Number of the record in its sink: 1 is what `audit()` writes first, and no number is left out. */
  seq: number;
  /** Time in UTC, ISO 8601 with milliseconds. */
  time: string;
  /** Kind of the record. */
  event: AuditEvent;
  /** Whether it went well. */
  outcome: 'success' | 'failure';
  /** Urgency for an operator. */
  severity: 'info' | 'warning' | 'critical';
  /** Name of the client; the ring of a `rotation.step`; `goldkey/audit` in the records that the log writes about itself. */
  client: string;
  /** Name of the key store; `goldkey/audit`, `goldkey/rotation` or `goldkey/watch` where no store is concerned. */
  provider: string;
  /** Stage of the key. */
  stage?: Stage | undefined;
  /** Version of the key. */
  version?: string | undefined;
  /** 8 hex digits, equal on every host that holds the same key. */
  fingerprint?: string | undefined;
  /** The master key that decrypted it, e.g. the ARN of a KMS key. */
  keyId?: string | undefined;
  /** The store's name of the request: for KMS the `requestID` of CloudTrail's record. */
  requestId?: string | undefined;
  /** Code of the error. */
  code?: GoldKeyErrorCode | undefined;
  /** Duration of the load, in ms. */
  durationMs?: number | undefined;
  /** Number of uses that a `key.used`, `key.repaired` or `key.stale` record stands for. */
  uses?: number | undefined;
  /** Number of uses that the price API refused. */
  failures?: number | undefined;
  /** Start of the time that a `key.used` record stands for, as {@link AuditRecord.time}. */
  since?: string | undefined;
  /** The step of a `rotation.step`, the kind of an `alert`. */
  kind?: string | undefined;
  /** The figure that raised an `alert`. */
  value?: number | undefined;
  /** The figure that was expected in its place. */
  expected?: number | undefined;
  /** Name of the host. */
  host: string;
  /** Id of the process. */
  pid: number;
  /** The one who did it, by the option `actor`. */
  actor?: string | undefined;
  /** SHA-256 of the line before it in the same sink, base64url; of no bytes at all for a chain's first. */
  prev?: string | undefined;
  /** HMAC-SHA-256 of a checkpoint's line without this value, base64url; only with `chainKey`. */
  mac?: string | undefined;
}

/**
 * A place that records go to. {@link fileSink} and {@link streamSink} make the common ones.
 *
 * @example
 * ```ts
 * import type { AuditSink } from 'goldkey/audit';
 *
 * const lines: string[] = [];
 * const memorySink: AuditSink = { write: (line) => void lines.push(line) };
 * ```
 */
export interface AuditSink {
  /** Writes one line of JSON, given without its line break. Resolves once it is safe, and rejects if it is not. */
  write(line: string): void | Promise<void>;
  /** Opens the place anew, after a log rotation. */
  reopen?(): Promise<void>;
  /** Ends the use of the place. */
  close?(): Promise<void>;
}

/** Options of {@link audit}. */
export interface AuditOptions {
  /**
   * Name of the one who acts: a user, a role's ARN, a function's name. A function is called for each record, in the context
   * of what the record is about; one that throws, or returns no string, leaves the actor out. Default: none.
   */
  actor?: string | (() => string | undefined) | undefined;
  /** Time between two `key.used` records of a client and version, from 1 to 2_147_483_647 ms. Default 60_000. */
  usageInterval?: number | undefined;
  /** Whether each record names the hash of the line before it. Default true. */
  chain?: boolean | undefined;
  /** Key of the checkpoints' `mac`, copied; take 32 random bytes. Needs `chain`. Default: checkpoints without one. */
  chainKey?: Uint8Array | undefined;
  /**
   * Gives each record the form of another schema: {@link toOcsf}, {@link toEcs}, or your own, which has to keep `event`,
   * `seq`, `prev`, `mac`, `host` and `pid` for `verifyAudit`. Default: the record itself, which is also written if it throws.
   */
  format?: ((record: AuditRecord) => object) | undefined;
  /** Told of each sink that fails. Default: the diagnostics channel `goldkey:audit-failed` alone. */
  onError?: ((error: unknown) => void) | undefined;
}

/**
 * An audit log. `audit([], sinks)` is allowed: {@link auditedProvider} needs the log before its client exists, which `add`
 * then brings.
 *
 * @example
 * ```ts
 * import { audit, fileSink, type Audit } from 'goldkey/audit';
 *
 * const log: Audit = audit(gold, fileSink('/var/log/gold/audit.ndjson'));
 * process.on('SIGHUP', () => void log.reopen());
 * ```
 */
export interface Audit {
  /**
   * Records these clients, too. Uses count from now on; a client that is recorded already stays as it is.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: something else than a client
   */
  add(clients: KeyedClient | readonly KeyedClient[]): void;
  /** Writes the uses counted so far. Resolves when every record is written, or its sink has failed. Never rejects. */
  flush(): Promise<void>;
  /** Opens every sink anew, after a log rotation: the chain goes on in the new file. Never rejects. */
  reopen(): Promise<void>;
  /** Writes the uses counted so far and the end of the log, and closes every sink, for at most 10 s. Never rejects. */
  close(): Promise<void>;
}
