import { isGoldKeyError, LOST_CONNECTION_CODES } from '../../core/index.js';

/** What kind of failure it is. `refused` is the vault's own last word, `credential` a lack of anything to ask it with. */
export type AzureFaultKind =
  | 'credential'
  | 'token'
  | 'refused'
  | 'absent'
  | 'throttling'
  | 'transient'
  | 'timeout'
  | 'socket'
  | 'certificate'
  | 'unreadable'
  | 'other';

/** A failure of the SDK, as far as it decides anything. */
export interface AzureFault {
  readonly kind: AzureFaultKind;
  /** The error's name, or AADSTS and a number. */
  readonly name: string;
  /** The vault's or the network's, e.g. `Forbidden` or `ECONNREFUSED`. */
  readonly code: string;
  /** What the vault says beside it, e.g. `SecretDisabled`. */
  readonly inner: string;
  /** 0 without an answer. */
  readonly status: number;
  /** In ms, from the answer's header. */
  readonly retryAfter: number | undefined;
}

/** What the SDK's errors may bring; they are told apart by name, code and status, never by class. */
interface AzureFailure {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly details?: { readonly error?: { readonly innerError?: { readonly code?: unknown } } } | undefined;
  readonly request?: unknown;
  readonly response?: { readonly headers?: { get?(name: string): unknown } | undefined } | undefined;
}

const CREDENTIAL: ReadonlySet<string> = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
]);
/** The SDK has one name of its own for a request that was not sent. */
const LOST: ReadonlySet<unknown> = new Set<unknown>([...LOST_CONNECTION_CODES, 'REQUEST_SEND_ERROR']);
const TIMEOUT: ReadonlySet<string> = new Set(['ETIMEDOUT', 'ESOCKETTIMEDOUT']);
const CERTIFICATE = /CERT|SIGNATURE|^ERR_TLS_|^ERR_SSL_/;
/** A store asked for more patience than a load has is not asked again within it. */
const LONGEST_PAUSE = 2_000;

/** What an answer said that the SDK's error about it may not say: of a list it keeps the status and the code alone. */
interface Said {
  readonly inner: string;
  readonly passing: boolean;
}

const SAID = new WeakMap<object, Said>();

/** Keeps what decides from an answer's body, for the error that the SDK will make of it. */
export function noteAnswer(request: object, body: string | null | undefined): void {
  try {
    const { error } = JSON.parse(body ?? '') as { error: { message?: unknown; innererror?: { code?: unknown } } };
    SAID.set(request, { inner: word(error.innererror?.code) ?? '', passing: isPassing401(String(error.message)) });
  } catch {
    // Not of the vault: a proxy's page, or nothing.
    SAID.delete(request);
  }
}

/** Sorts whatever came of a call. */
export function azureFault(error: unknown): AzureFault {
  const failure = (typeof error === 'object' && error !== null ? error : {}) as AzureFailure;
  const code = word(failure.code) ?? '';
  const status = typeof failure.statusCode === 'number' ? failure.statusCode : 0;
  const named = word(failure.name) ?? 'Error';
  const message = typeof failure.message === 'string' ? failure.message : '';
  const said = typeof failure.request === 'object' && failure.request !== null ? SAID.get(failure.request) : undefined;
  return {
    kind: kindOfFailure(named, code, status, message, said),
    // Microsoft Entra has one error for everything; its number tells what it is.
    name: CREDENTIAL.has(named) ? (/AADSTS\d{3,9}/.exec(message)?.[0] ?? named) : named,
    code,
    inner: word(failure.details?.error?.innerError?.code) ?? said?.inner ?? '',
    status,
    retryAfter: retryAfterOf(failure),
  };
}

function kindOfFailure(
  name: string,
  code: string,
  status: number,
  message: string,
  said: Said | undefined,
): AzureFaultKind {
  // First: Microsoft Entra's errors have a status too, which is not the vault's.
  if (CREDENTIAL.has(name) || /AADSTS\d/.test(message)) return 'credential';
  if (status === 429) return 'throttling';
  if (status === 408 || status >= 500) return 'transient';
  // What does not bring the vault's own code comes from a proxy in between, and must not cost the key.
  const isVaults = code !== '' && code !== 'PARSE_ERROR';
  if (status === 401 && isVaults) return (said?.passing ?? isPassing401(message)) ? 'token' : 'refused';
  if (status === 403 && isVaults) return 'refused';
  if (status === 404 && isVaults) return 'absent';
  if ([401, 403, 404].includes(status) || code === 'PARSE_ERROR') return 'unreadable';
  if (status > 0) return 'other';
  if (LOST.has(code)) return 'socket';
  if (TIMEOUT.has(code) || name === 'AbortError') return 'timeout';
  if (CERTIFICATE.test(code)) return 'certificate';
  // The SDK reads fields of a body that is not there.
  if (name === 'TypeError' && code === '') return 'unreadable';
  return 'other';
}

/**
 * A 401 is one code for a token of another tenant, which stays as it is, and for two things that pass: a clock that is
 * wrong, and a vault that for a while cannot check signatures (AKV10046, seen for valid tokens). Only the text tells; where
 * the SDK has put its own in place of it, it may be one of the two.
 */
function isPassing401(message: string): boolean {
  return ['AKV10046', 'TokenExpired', 'Pagination failed'].some((mark) => message.includes(mark));
}

/**
 * The pause in ms before another try, for `retrying`: a draw from the upper half of a window that starts at 100 ms, 1 s
 * for throttling, and doubles. None for what would stay as it is; credentials have retries of their own.
 */
export function azurePause(error: unknown, retried: number): number | undefined {
  if (isGoldKeyError(error)) {
    return error.code === 'ERR_GOLDKEY_KEY_TIMEOUT' ? draw(100, retried) : undefined;
  }
  const { kind, retryAfter = 0 } = azureFault(error);
  if (!['throttling', 'transient', 'timeout', 'socket', 'unreadable', 'token'].includes(kind)) return undefined;
  if (retryAfter > LONGEST_PAUSE) return undefined;
  return Math.max(retryAfter, draw(kind === 'throttling' ? 1_000 : 100, retried));
}

function draw(first: number, retried: number): number {
  return Math.round((first * 2 ** retried * (1 + Math.random())) / 2);
}

/** `Retry-After` in ms from now: seconds, or an HTTP date. */
function retryAfterOf({ response }: AzureFailure): number | undefined {
  const value = response?.headers?.get?.('retry-after');
  if (typeof value !== 'string' || value === '') return undefined;
  const seconds = Number(value);
  const wait = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1_000;
  return Number.isFinite(wait) ? Math.max(0, Math.ceil(wait)) : undefined;
}

/** Names and codes go into messages, and codes come off the wire: only what looks like one is taken for one. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(value) ? value : undefined;
}
