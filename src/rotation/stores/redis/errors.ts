import {
  backoffWindow,
  halfJitter,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyProviderError,
  KeyTimeoutError,
  LOST_CONNECTION_CODES,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../../../core/index.js';
import { parseErrorName } from '../../../util/error-name.js';

/** The name of Redis in errors. */
export const REDIS = 'redis';

type FailureKind = 'denied' | 'transient' | 'disconnected' | 'unreachable' | 'tls' | 'timeout' | 'rejected' | 'other';

/** The kinds of errors known by name: the first word of an answer of Redis, or a class of the package. */
const KINDS: Readonly<Partial<Record<FailureKind, readonly string[]>>> = {
  denied: ['NOAUTH', 'NOPERM', 'WRONGPASS'],
  // Redis is starting, failing over, or busy with another script.
  transient: ['LOADING', 'READONLY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'BUSY', 'UNBLOCKED'],
  // The package gives the errors of a lost connection neither a name nor a code.
  disconnected: ['SocketClosedUnexpectedlyError', 'DisconnectsClientError', 'ClientOfflineError', 'ClientClosedError'],
  timeout: ['ConnectionTimeoutError', 'TimeoutError', 'ETIMEDOUT'],
};
const KIND_OF_NAME: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries(KINDS).flatMap(([kind, names]) => names.map((name) => [name, kind as FailureKind] as const)),
);

const RETRYABLE: readonly FailureKind[] = ['transient', 'disconnected', 'unreachable'];

type ErrorClass = new (message: string, options: GoldKeyErrorOptions) => GoldKeyError;

/** The public error of each kind. No message shows an address, a command or a text. */
const ERRORS: Readonly<Record<FailureKind, readonly [type: ErrorClass, message: (name: string) => string]>> = {
  denied: [
    KeyAccessDeniedError,
    (name) =>
      `Redis denied access with ${name}; check the user and password, and that the ACL allows GET, EVAL and SUBSCRIBE on the ring's keys and channel.`,
  ],
  transient: [
    KeyProviderError,
    (name) => `Redis answered with ${name}: it is starting, failing over or busy, which should pass.`,
  ],
  disconnected: [
    KeyProviderError,
    (name) => `The client is not connected to Redis (${name}); a \`client\` of yours must be connected before its use.`,
  ],
  unreachable: [
    KeyProviderError,
    (name) => `Redis could not be reached (${name}); check \`url\`, the network and that it is running.`,
  ],
  tls: [
    KeyProviderError,
    (name) =>
      `The TLS connection to Redis failed (${name}); check its certificate, the host name, and that this port uses TLS.`,
  ],
  timeout: [KeyTimeoutError, () => 'Redis did not answer in time; check the network and the load of the server.'],
  rejected: [
    KeyProviderError,
    (name) =>
      `Redis answered with ${name}; its error is the \`cause\`. Check that the ring's key holds nothing else, and that EVAL is allowed.`,
  ],
  other: [KeyProviderError, (name) => `Redis failed with ${name}; its error is the \`cause\`.`],
};

/** Returns the kind of an error, and the name that Redis, the package or the system gives it. */
function classifyError(error: unknown): { kind: FailureKind; name: string } {
  if (!(error instanceof Error)) return { kind: 'other', name: 'Error' };
  const code = parseErrorName((error as { code?: unknown }).code);
  const type = error.constructor.name;
  const kindOfType = KIND_OF_NAME.get(type);
  if (kindOfType !== undefined) return { kind: kindOfType, name: type };
  if (code !== undefined) {
    if (LOST_CONNECTION_CODES.has(code)) return { kind: 'unreachable', name: code };
    const isTls = /TLS|SSL|CERT|SIGNATURE|EPROTO/.test(code);
    return { kind: KIND_OF_NAME.get(code) ?? (isTls ? 'tls' : 'other'), name: code };
  }
  // The first word of an answer is its code. The rest may quote what was sent.
  const word = /^[A-Z][A-Z0-9]{1,31}(?= )/.exec(error.message)?.[0];
  if (word === undefined) return { kind: 'other', name: type };
  return { kind: KIND_OF_NAME.get(word) ?? 'rejected', name: word };
}

/** Returns the public error for any error of Redis or its client. */
export function toRedisError(error: unknown): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { kind, name } = classifyError(error);
  const [type, message] = ERRORS[kind];
  return new type(message(name), { cause: error, provider: REDIS });
}

/** Returns the error of a call that Redis did not answer in time. */
export function createTimeoutError(): GoldKeyError {
  return new KeyTimeoutError(ERRORS.timeout[1](''), { provider: REDIS });
}

/** Returns whether a connection must be replaced: it is lost, or its server no longer accepts writes. */
export function isConnectionLost(error: unknown): boolean {
  const { kind, name } = classifyError(error);
  return kind === 'disconnected' || kind === 'unreachable' || name === 'READONLY';
}

/** Returns the pause in ms before another try, or `undefined` for a permanent error. */
export function getRetryDelay(error: unknown, retried: number): number | undefined {
  if (isGoldKeyError(error) || !RETRYABLE.includes(classifyError(error).kind)) return undefined;
  return halfJitter(backoffWindow(100, retried));
}
