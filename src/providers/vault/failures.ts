import { backoffWindow, halfJitter, parseRetryAfter } from '../../core/index.js';
import { parseErrorName } from '../../util/error-name.js';

/** The name of Vault in errors, events and metrics. */
export const VAULT = 'vault';

/** One request to Vault, for the error that may come of it. */
export interface VaultOperation {
  /** The operation for messages, e.g. `the read of the key ring`. */
  readonly operation: string;
  readonly method: string;
  /** Path below `/v1/`. */
  readonly path: string;
  /** The capability that a policy must grant. Default: by `method`. */
  readonly needs?: string | undefined;
  /** For a login: the options to check if Vault denies it. */
  readonly loginOptions?: string | undefined;
}

/** The kind of a failure. `unreadable` is an answer that is not Vault's, `cut` a connection that failed or was lost. */
export type VaultFailureKind = 'status' | 'redirect' | 'unreadable' | 'too-large' | 'timeout' | 'cut' | 'certificate';

/** The state that a node reports with an error. */
export type VaultNodeState = 'sealed' | 'standby';

/** The details of a failure. */
export interface FailureDetails {
  /** HTTP status; none without an answer. */
  readonly status?: number | undefined;
  /** Code of the network or TLS error, e.g. `ECONNREFUSED`. */
  readonly code?: string | undefined;
  readonly state?: VaultNodeState | undefined;
  /** Pause in ms that the answer asks for. */
  readonly retryAfter?: number | undefined;
  /** Whether the request may have reached Vault. Default: true. */
  readonly sent?: boolean | undefined;
  readonly cause?: unknown;
}

/** A failed request before it becomes a public error. It holds neither a header nor a body. */
export class VaultFailure extends Error {
  readonly kind: VaultFailureKind;
  readonly request: VaultOperation;
  readonly details: FailureDetails;

  constructor(kind: VaultFailureKind, request: VaultOperation, details: FailureDetails = {}) {
    super(kind);
    this.kind = kind;
    this.request = request;
    this.details = details;
  }

  /** Whether Vault may have carried out the request. */
  get mayHaveRun(): boolean {
    // A quota, a replica that is behind and a node that is not active reject a request before Vault runs it.
    const { status = 0, state, sent = true } = this.details;
    return this.kind === 'status' ? status >= 500 && state === undefined : this.kind !== 'redirect' && sent;
  }

  /** Whether the same request may succeed in a moment. */
  get isTransient(): boolean {
    if (this.kind === 'status') return [412, 429, 500, 502, 503, 504].includes(this.details.status ?? 0);
    return this.kind === 'timeout' || this.kind === 'cut';
  }
}

/** The longest `Retry-After` that is waited for, in ms. A request has little more time than this. */
const MAX_PAUSE_MS = 2_000;

/**
 * Returns the `getDelay` of `withRetries`: a pause from a window that starts at 100 ms, or 1 s for a quota, and doubles.
 * No pause, and so no retry, for a permanent failure and for a write that Vault may already have carried out.
 */
export function createRetryDelay(idempotent: boolean): (error: unknown, retried: number) => number | undefined {
  return (error, retried) => {
    if (!(error instanceof VaultFailure) || !error.isTransient) return undefined;
    // A login precedes the request, and a second login does no harm.
    if (error.mayHaveRun && !idempotent && error.request.loginOptions === undefined) return undefined;
    const { retryAfter = 0, status } = error.details;
    if (retryAfter > MAX_PAUSE_MS) return undefined;
    return Math.max(retryAfter, halfJitter(backoffWindow(status === 429 ? 1_000 : 100, retried)));
  };
}

/** Returns the failure for an answer with an error status. `now` is in epoch ms. */
export function createStatusFailure(
  request: VaultOperation,
  { status, body }: { status: number; body: unknown },
  retryAfter: string | undefined,
  now: number,
): VaultFailure {
  if (status >= 300 && status < 400) return new VaultFailure('redirect', request, { status });
  const details = { status, state: readNodeState(body), retryAfter: parseRetryAfter(retryAfter, now) };
  return new VaultFailure('status', request, details);
}

/** Returns the failure for a request that got no complete answer. */
export function createNetworkFailure(request: VaultOperation, error: unknown, sent: boolean): VaultFailure {
  const code = parseErrorName((error as { code?: unknown } | null)?.code);
  // No cause: an error of the HTTP parser may quote the answer, which may be a secret.
  if (code?.startsWith('HPE_') === true) return new VaultFailure('unreadable', request, { sent });
  if (/^(?:CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO)/.test(code ?? '')) {
    return new VaultFailure('certificate', request, { code, sent: false, cause: error });
  }
  return new VaultFailure(code === 'ETIMEDOUT' ? 'timeout' : 'cut', request, { code, sent, cause: error });
}

/** Returns the node's state. Vault's texts decide about advice and retries only, and never appear in a message. */
function readNodeState(body: unknown): VaultNodeState | undefined {
  for (const text of readErrorTexts(body)) {
    if (/vault is sealed/i.test(text)) return 'sealed';
    if (/standby|node not active/i.test(text)) return 'standby';
  }
  return undefined;
}

/** Returns the texts of an error body. They must not appear in a message: they may quote the request. */
export function readErrorTexts(body: unknown): string[] {
  const errors = typeof body === 'object' && body !== null ? (body as { errors?: unknown }).errors : undefined;
  return Array.isArray(errors) ? errors.filter((text): text is string => typeof text === 'string') : [];
}
