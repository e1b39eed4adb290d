/** The name of Vault in errors, events and metrics. */
export const VAULT = 'vault';

/** What was asked of Vault, for the error that may come of it. */
export interface VaultCall {
  /** In words, e.g. `the read of the key ring`. */
  readonly what: string;
  readonly method: string;
  /** Below `/v1/`. */
  readonly path: string;
  /** The capability that a policy has to give, where the method alone does not say. */
  readonly needs?: string | undefined;
  /** For a login: what to check when it is refused. */
  readonly login?: string | undefined;
}

/** What went wrong. `unreadable` is an answer that is not Vault's, `cut` a connection that failed or broke. */
export type VaultFaultKind = 'status' | 'redirect' | 'unreadable' | 'too-large' | 'timeout' | 'cut' | 'certificate';

/** What a node says about itself with an error. */
export type VaultState = 'sealed' | 'standby';

interface FaultDetails {
  status?: number | undefined;
  code?: string | undefined;
  state?: VaultState | undefined;
  retryAfter?: number | undefined;
  sent?: boolean | undefined;
  cause?: unknown;
}

/** A request that failed, before it becomes one of the public errors. It holds neither header nor body. */
export class VaultFault extends Error {
  readonly kind: VaultFaultKind;
  readonly call: VaultCall;
  /** 0 without an answer. */
  readonly status: number;
  /** The network's, e.g. `ECONNREFUSED`. */
  readonly code: string;
  readonly state: VaultState | undefined;
  /** In ms, from the answer's header. */
  readonly retryAfter: number | undefined;
  /** Whether the request had been on its way. */
  readonly sent: boolean;

  constructor(kind: VaultFaultKind, call: VaultCall, details: FaultDetails = {}) {
    super(kind, details.cause === undefined ? undefined : { cause: details.cause });
    const { status = 0, code = '', state, retryAfter, sent = true } = details;
    this.kind = kind;
    this.call = call;
    this.status = status;
    this.code = code;
    this.state = state;
    this.retryAfter = retryAfter;
    this.sent = sent;
  }

  /** Whether Vault may have done what it was asked for. */
  get mayHaveActed(): boolean {
    // What refuses a request before Vault looks at it: a quota, a replica that is behind, a node that is not active.
    if (this.kind === 'status') return this.status >= 500 && this.state === undefined;
    return this.kind !== 'redirect' && this.sent;
  }

  /** Whether the same request may well succeed in a moment. */
  get mayPass(): boolean {
    if (this.kind === 'status') return [412, 429, 500, 502, 503, 504].includes(this.status);
    return this.kind === 'timeout' || this.kind === 'cut';
  }
}

/** A store asked for more patience than a request has is not asked again within it. */
const LONGEST_PAUSE = 2_000;

/**
 * The pause in ms before another try, for `retrying`: a draw from the upper half of a window that starts at 100 ms, 1 s
 * for a quota, and doubles. None for what would stay as it is, nor for a write that Vault may already have done.
 */
export function vaultPause(idempotent: boolean): (error: unknown, retried: number) => number | undefined {
  return (error, retried) => {
    if (!(error instanceof VaultFault) || !error.mayPass) return undefined;
    // A login comes before the request, and another one does no harm.
    if (error.mayHaveActed && !idempotent && error.call.login === undefined) return undefined;
    const { retryAfter = 0 } = error;
    if (retryAfter > LONGEST_PAUSE) return undefined;
    const window = (error.status === 429 ? 1_000 : 100) * 2 ** retried;
    return Math.max(retryAfter, Math.round((window * (1 + Math.random())) / 2));
  };
}

/** The fault of an answer with an error's status. */
export function statusFault(
  call: VaultCall,
  status: number,
  body: unknown,
  retryAfter: string | undefined,
): VaultFault {
  if (status >= 300 && status < 400) return new VaultFault('redirect', call, { status });
  return new VaultFault('status', call, { status, state: stateIn(body), retryAfter: millisecondsIn(retryAfter) });
}

/** The fault of a request that got no whole answer. */
export function networkFault(call: VaultCall, error: unknown, sent: boolean): VaultFault {
  const code = codeOf(error);
  // A parser's error quotes what it could not read, which may be a secret: it is no cause.
  if ((error as Partial<Error> | null)?.name === 'HTTPParserError') return new VaultFault('unreadable', call, { sent });
  if (/^(?:CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO)/.test(code)) {
    return new VaultFault('certificate', call, { code, sent: false, cause: error });
  }
  const late = code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT';
  return new VaultFault(late ? 'timeout' : 'cut', call, { code, sent, cause: error });
}

/** Vault's texts decide about a hint and a repetition only, never about the class of an error; none is shown. */
function stateIn(body: unknown): VaultState | undefined {
  for (const text of vaultErrors(body)) {
    if (/vault is sealed/i.test(text)) return 'sealed';
    if (/standby|node not active/i.test(text)) return 'standby';
  }
  return undefined;
}

/** The texts of an error's body: not for a message, they may quote what was sent. */
export function vaultErrors(body: unknown): string[] {
  const errors = typeof body === 'object' && body !== null ? (body as { errors?: unknown }).errors : undefined;
  return Array.isArray(errors) ? errors.filter((text): text is string => typeof text === 'string') : [];
}

/** `Retry-After` in ms from now: seconds, or an HTTP date. */
function millisecondsIn(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined || retryAfter === '') return undefined;
  const seconds = Number(retryAfter);
  const wait = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1_000;
  return Number.isFinite(wait) ? Math.max(0, Math.ceil(wait)) : undefined;
}

/** Only what looks like a code: it goes into messages. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : '';
}
