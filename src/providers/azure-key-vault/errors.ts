import {
  backoffWindow,
  halfJitter,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyNotFoundError,
  KeyProviderError,
  KeyTimeoutError,
  LOST_CONNECTION_CODES,
  parseRetryAfter,
  tryOrUndefined,
  type GoldKeyError,
  type GoldKeyErrorOptions,
  quote,
} from '../../core/index.js';
import { parseErrorName } from '../../util/error-name.js';

/** The name of Azure Key Vault in errors, events and metrics. */
export const AZURE_KEY_VAULT = 'azure-key-vault';

/** A call to the vault, as its errors name it. */
export interface AzureCall {
  /** The permission that the call needs. */
  readonly permission: 'list' | 'get' | 'set';
  readonly secretName: string;
  readonly version?: string | undefined;
}

interface FailureKind {
  readonly advice: string;
  /** The longest first pause before another try, in ms; without it the call is not repeated. */
  readonly pause?: number;
  /** Default: `KeyProviderError`. */
  readonly ErrorClass?: new (message: string, options: GoldKeyErrorOptions) => GoldKeyError;
}

const KINDS = {
  denied: {
    advice:
      'check that the access policy, or the role Key Vault Secrets User, allows this on secrets, and the firewall',
    ErrorClass: KeyAccessDeniedError,
  },
  tenant: {
    advice: 'the token is not accepted; check that the credential belongs to the tenant of the vault',
    ErrorClass: KeyAccessDeniedError,
  },
  notFound: {
    advice: 'check `secretName` and `vaultUrl`, and that the secret is not deleted',
    ErrorClass: KeyNotFoundError,
  },
  // Not repeated here: a credential has its own retries.
  credential: {
    advice: 'there is no token; check the credential: the environment, the managed identity or the Azure CLI login',
  },
  token: { advice: "the token is not valid now; check this machine's clock, otherwise try again later", pause: 100 },
  throttling: { advice: "the vault's request limit is used up; try again later", pause: 1_000 },
  transient: { advice: 'the service failed; try again later', pause: 100 },
  timeout: { advice: 'no answer came in time; check the network', pause: 100, ErrorClass: KeyTimeoutError },
  connection: { advice: 'check `vaultUrl`, the network, DNS and the private endpoint', pause: 100 },
  certificate: { advice: 'the TLS certificate at `vaultUrl` was not accepted; check for a proxy in between' },
  unreadable: {
    advice: 'the answer is not one of Azure Key Vault; check `vaultUrl` and for a proxy in between',
    pause: 100,
  },
  unknown: { advice: 'this was not expected; its error is the `cause`' },
} satisfies Readonly<Record<string, FailureKind>>;

/** Advice by the inner code that the vault gives beside a 403. */
const DENIALS: ReadonlyMap<string, string> = new Map([
  ['SecretDisabled', 'the version is disabled'],
  ['ForbiddenByFirewall', "the vault's firewall does not let this address in"],
  ['ForbiddenByConnection', 'the vault accepts requests through its private endpoint only'],
]);

/** Returns the goldkey error for a failed call; `now` in epoch ms. No message shows what was sent or received. */
export function toAzureError(
  error: unknown,
  { permission, secretName, version }: AzureCall,
  now: number,
): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const failure = readFailure(error, now);
  const { kind, name, code, innerCode, status, retryAfter } = failure;
  const { advice, ErrorClass = KeyProviderError }: FailureKind = KINDS[kind];
  const reason = code === '' || kind === 'credential' ? name : code;
  // The status of a credential's error is that of Microsoft Entra.
  const answer = status === 0 || kind === 'credential' ? reason : `status ${String(status)} (${reason})`;
  return new ErrorClass(
    `Azure Key Vault \`${permission}\` of the secret ${quote(secretName)} failed with ${answer}: ${DENIALS.get(innerCode) ?? advice}.`,
    { cause: toSafeCause(error, failure), retryAfter, version, provider: AZURE_KEY_VAULT },
  );
}

/** The longest `Retry-After` that a load waits for, in ms. */
const MAX_RETRY_AFTER_MS = 2_000;

/**
 * Returns the pause before another try, in ms, or `undefined` if another try would not help: half jitter over a window
 * that starts at 100 ms, 1 s for throttling, and doubles. `now` in epoch ms.
 */
export function computeRetryDelay(error: unknown, retried: number, now: number): number | undefined {
  const { kind, retryAfter = 0 } = readFailure(error, now);
  const { pause }: FailureKind = KINDS[kind];
  if (pause === undefined || retryAfter > MAX_RETRY_AFTER_MS) return undefined;
  return Math.max(retryAfter, halfJitter(backoffWindow(pause, retried)));
}

type AzureFailure = ReturnType<typeof readFailure>;

/** Fields that an error of the SDK may have. Errors are told apart by name, code and status, never by class. */
interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly details?: { readonly error?: { readonly innerError?: { readonly code?: unknown } } } | undefined;
  readonly request?: object | undefined;
  readonly response?: { readonly headers?: { get?(name: string): unknown } | undefined } | undefined;
}

/** Classifies an error. A missing text is empty, a missing status 0; `retryAfter` is in ms. */
function readFailure(error: unknown, now: number) {
  const sdkError = toSdkError(error);
  const message = typeof sdkError.message === 'string' ? sdkError.message : '';
  const status = typeof sdkError.statusCode === 'number' ? sdkError.statusCode : 0;
  const name = parseErrorName(sdkError.name) ?? 'Error';
  const code = parseErrorName(sdkError.code) ?? '';
  const body = typeof sdkError.request === 'object' ? ERROR_BODIES.get(sdkError.request) : undefined;
  const innerCode = parseErrorName(sdkError.details?.error?.innerError?.code) ?? body?.innerCode ?? '';
  const retryAfter = parseRetryAfter(sdkError.response?.headers?.get?.('retry-after'), now);
  const failure = { code, innerCode, message, status, retryAfter };
  // First, because errors of Microsoft Entra have a status too, which is not the vault's, and one name for all.
  if (CREDENTIAL_ERRORS.includes(name) || /AADSTS\d/.test(message)) {
    return { ...failure, kind: 'credential' as const, name: /AADSTS\d{3,9}/.exec(message)?.[0] ?? name };
  }
  return { ...failure, name, kind: classify(name, code, status, body?.isTemporary401 ?? isTemporary401(message)) };
}

const CREDENTIAL_ERRORS: readonly string[] = [
  'CredentialUnavailableError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
];
/** The last one is the deadline of a single request. */
const TIMEOUT_CODES: readonly string[] = ['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'ERR_GOLDKEY_KEY_TIMEOUT'];

function classify(name: string, code: string, status: number, isTemporary: boolean): keyof typeof KINDS {
  if (status === 429) return 'throttling';
  if (status === 408 || status >= 500) return 'transient';
  // An answer without the vault's own code comes from a proxy in between, and must not cost the key.
  if (code === 'PARSE_ERROR' || (code === '' && [401, 403, 404].includes(status))) return 'unreadable';
  if (status === 401) return isTemporary ? 'token' : 'tenant';
  if (status === 403) return 'denied';
  if (status === 404) return 'notFound';
  if (status > 0) return 'unknown';
  // The SDK has its own code for a request that could not be sent.
  if (LOST_CONNECTION_CODES.has(code) || code === 'REQUEST_SEND_ERROR') return 'connection';
  if (TIMEOUT_CODES.includes(code) || name === 'AbortError') return 'timeout';
  if (/CERT|SIGNATURE|^ERR_TLS_|^ERR_SSL_/.test(code)) return 'certificate';
  // The SDK reads fields of a body that is missing.
  return name === 'TypeError' && code === '' ? 'unreadable' : 'unknown';
}

const ERROR_BODIES = new WeakMap<object, { innerCode: string; isTemporary401: boolean } | undefined>();

/**
 * Keeps the deciding parts of an answer's body for the error that the SDK will raise: for a list the SDK keeps status
 * and code only. A body that is not the vault's (a proxy's page, or nothing) leaves nothing.
 */
export function recordErrorBody(request: object, body: string | null | undefined): void {
  const recorded = tryOrUndefined(() => {
    const { error } = JSON.parse(body ?? '') as { error: { message?: unknown; innererror?: { code?: unknown } } };
    const innerCode = parseErrorName(error.innererror?.code) ?? '';
    return { innerCode, isTemporary401: isTemporary401(String(error.message)) };
  });
  ERROR_BODIES.set(request, recorded);
}

/**
 * Returns whether a 401 may pass. Its code is the same for a token of another tenant, which stays wrong, for a clock that
 * is off, and for a vault that cannot check signatures for a while (AKV10046, seen for valid tokens): only the text
 * differs. `Pagination failed` is the SDK's own text, behind which any of them may be.
 */
function isTemporary401(message: string): boolean {
  return ['AKV10046', 'TokenExpired', 'Pagination failed'].some((mark) => message.includes(mark));
}

/**
 * Returns `error`, or a copy with name, code and status only: the SDK's errors hold the request with its token, and the
 * text about a body that could not be read quotes that body, which may be the key. The texts of a credential and of the
 * network are kept.
 */
function toSafeCause(error: unknown, { kind, name, code, message, status }: AzureFailure): unknown {
  const { request, response, statusCode } = toSdkError(error);
  const keepsText = kind === 'credential' || kind === 'connection';
  const isFromSdk = request !== undefined || response !== undefined || statusCode !== undefined;
  if (!keepsText && !isFromSdk && kind !== 'unreadable') return error;
  return Object.assign(new Error(keepsText ? message : 'Not kept, because it may hold the key or the token.'), {
    name,
    ...(code === '' ? {} : { code }),
    ...(status === 0 ? {} : { statusCode: status }),
  });
}

function toSdkError(error: unknown): SdkError {
  return typeof error === 'object' && error !== null ? error : {};
}
