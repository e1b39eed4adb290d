import {
  backoffWindow,
  halfJitter,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyProviderError,
  KeyTimeoutError,
  type GoldKeyError,
  quote,
  showText,
} from '../../core/index.js';
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

/** The details of a failure. */
interface FailureDetails {
  /** HTTP status; none without an answer. */
  readonly status?: number | undefined;
  /** Code of the network or TLS error, e.g. `ECONNREFUSED`. */
  readonly code?: string | undefined;
  /** State that the node reports with the error. */
  readonly state?: 'sealed' | 'standby' | undefined;
  /** Pause in ms that the answer asks for. */
  readonly retryAfter?: number | undefined;
  /** Whether the request may have reached Vault. Default: true. */
  readonly sent?: boolean | undefined;
  readonly cause?: unknown;
}

/** A failed request before it becomes a public error. It holds neither a header nor a body. */
export class VaultFailure extends Error {
  /** `unreadable` is an answer that is not Vault's, `cut` a connection that failed or was lost. */
  readonly kind: 'status' | 'redirect' | 'unreadable' | 'too-large' | 'timeout' | 'cut' | 'certificate';
  readonly request: VaultOperation;
  readonly details: FailureDetails;

  constructor(kind: VaultFailure['kind'], request: VaultOperation, details: FailureDetails = {}) {
    super(kind);
    this.kind = kind;
    this.request = request;
    this.details = details;
  }

  /** Whether Vault denied the request: the token is no longer valid or lacks the permission. Vault says not which. */
  get isAccessDenied(): boolean {
    return this.kind === 'status' && this.details.status === 403 && !this.isLoginDenied;
  }

  /** Whether Vault denied the credentials of a login. Another try with them would fail too. */
  get isLoginDenied(): boolean {
    const { status = 0 } = this.details;
    return this.kind === 'status' && this.request.loginOptions !== undefined && [400, 403, 404].includes(status);
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
export function readNodeState(body: unknown): FailureDetails['state'] {
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

const CAPABILITY: Readonly<Record<string, string>> = {
  GET: '`read`',
  LIST: '`list`',
  POST: '`create` and `update`',
  PUT: '`create` and `update`',
  PATCH: '`patch`',
  DELETE: '`delete`',
};

/** The advice for each status that means more than a failed request. */
const STATUS_ADVICE: ReadonlyMap<number, string> = new Map([
  [400, 'the request is not valid there; check the path, and that the mount is of the expected kind'],
  [405, 'the path does not take this method; check the mount, and that it is of the expected kind'],
  [412, 'the node has not caught up with the cluster yet, which should pass'],
  [429, 'a rate limit is used up; send fewer requests or raise the quota'],
  [472, 'the node is a disaster recovery secondary, which serves no requests; check `address`'],
  [473, 'the node is a performance standby, which does not serve this request; check `address`'],
  [501, 'it has not been initialised'],
]);

/** Returns the public error for any failed request. No message shows a part of the request or of the answer. */
export function toVaultError(error: unknown): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  if (!(error instanceof VaultFailure)) {
    return new KeyProviderError('The request to Vault failed; its error is the `cause`.', {
      cause: error,
      provider: VAULT,
    });
  }
  const { kind, details } = error;
  const type = error.isAccessDenied ? KeyAccessDeniedError : kind === 'timeout' ? KeyTimeoutError : KeyProviderError;
  return new type(describeFailure(error), { cause: details.cause, retryAfter: details.retryAfter, provider: VAULT });
}

function describeFailure(failure: VaultFailure): string {
  const { kind, request, details } = failure;
  const operation = `${request.operation} (${request.method} ${showText(request.path)})`;
  const answered = `Vault answered ${operation} with status ${String(details.status)}`;
  const code = details.code === undefined ? '' : ` (${details.code})`;
  switch (kind) {
    case 'status':
      return `${answered}: ${adviseOnStatus(failure)}.`;
    case 'redirect':
      return `${answered}, a redirect, which is not followed because it would pass the token on; set \`address\` to the active node or the load balancer.`;
    case 'unreadable':
      return details.status === undefined
        ? `The server that answered ${operation} does not speak HTTP; check \`address\`.`
        : `${answered} and a body that is not its JSON; check \`address\`, and whether a proxy is in between.`;
    case 'too-large':
      return `Vault answered ${operation} with a body of over 1 MB, which was not read; check the path and \`address\`.`;
    case 'timeout':
      return `Vault did not answer ${operation} in time${code}; check \`address\`, the network and the load of the server.`;
    case 'certificate':
      return `Vault's TLS certificate was not accepted for ${operation}${code}; check \`caFile\` and the name in \`address\`.`;
    case 'cut':
      return `Vault could not be reached for ${operation}, or cut the connection${code}; check \`address\`, the network and that it is running.`;
  }
}

function adviseOnStatus(failure: VaultFailure): string {
  const { request } = failure;
  const { status = 0, state } = failure.details;
  if (failure.isLoginDenied) return `check ${String(request.loginOptions)}`;
  if (failure.isAccessDenied) {
    const capability = request.needs ?? CAPABILITY[request.method] ?? 'the request';
    return `check that the token is still valid, that its policies allow ${capability} on ${quote(request.path)}, and \`namespace\``;
  }
  if (state === 'sealed') return 'it is sealed; unseal it';
  if (state === 'standby') return 'the node is a standby and knows of no active one';
  return (
    STATUS_ADVICE.get(status) ?? (status >= 500 ? 'the server failed, which should pass' : 'this was not expected')
  );
}
