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

interface FailureKind {
  /** The first word of an answer of Redis, or a class of the package. */
  readonly names?: readonly string[];
  /** Default: `KeyProviderError`. */
  readonly ErrorClass?: new (message: string, options: GoldKeyErrorOptions) => GoldKeyError;
  /** Returns the public message, which shows neither an address, a command nor a text. */
  readonly message: (name: string) => string;
  readonly isRetried?: boolean;
}

const KINDS = {
  denied: {
    names: ['NOAUTH', 'NOPERM', 'WRONGPASS'],
    ErrorClass: KeyAccessDeniedError,
    message: (name) =>
      `Redis denied access with ${name}; check the user and password, and that the ACL allows GET, EVAL and SUBSCRIBE on the ring's keys and channel.`,
  },
  transient: {
    // Redis is starting, failing over, or busy with another script.
    names: ['LOADING', 'READONLY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'BUSY', 'UNBLOCKED'],
    message: (name) => `Redis answered with ${name}: it is starting, failing over or busy, which should pass.`,
    isRetried: true,
  },
  disconnected: {
    // The package gives the errors of a lost connection neither a name nor a code.
    names: ['SocketClosedUnexpectedlyError', 'DisconnectsClientError', 'ClientOfflineError', 'ClientClosedError'],
    message: (name) =>
      `The client is not connected to Redis (${name}); a \`client\` of yours must be connected before its use.`,
    isRetried: true,
  },
  unreachable: {
    message: (name) => `Redis could not be reached (${name}); check \`url\`, the network and that it is running.`,
    isRetried: true,
  },
  tls: {
    message: (name) =>
      `The TLS connection to Redis failed (${name}); check its certificate, the host name, and that this port uses TLS.`,
  },
  timeout: {
    names: ['ConnectionTimeoutError', 'TimeoutError', 'ETIMEDOUT'],
    ErrorClass: KeyTimeoutError,
    message: () => 'Redis did not answer in time; check the network and the load of the server.',
  },
  rejected: {
    message: (name) =>
      `Redis answered with ${name}; its error is the \`cause\`. Check that the ring's key holds nothing else, and that EVAL is allowed.`,
  },
  other: { message: (name) => `Redis failed with ${name}; its error is the \`cause\`.` },
} satisfies Readonly<Record<string, FailureKind>>;

/** Returns the kind of an error, and the name that Redis, the package or the system gives it. */
function classifyError(error: unknown): { kind: FailureKind; name: string } {
  if (!(error instanceof Error)) return { kind: KINDS.other, name: 'Error' };
  const type = error.constructor.name;
  const kindOfClass = findKind(type);
  if (kindOfClass !== undefined) return { kind: kindOfClass, name: type };
  const code = parseErrorName((error as { code?: unknown }).code);
  if (code !== undefined) {
    if (LOST_CONNECTION_CODES.has(code)) return { kind: KINDS.unreachable, name: code };
    const isTls = /TLS|SSL|CERT|SIGNATURE|EPROTO/.test(code);
    return { kind: findKind(code) ?? (isTls ? KINDS.tls : KINDS.other), name: code };
  }
  // The first word of an answer is its code. The rest may quote what was sent.
  const word = /^[A-Z][A-Z0-9]{1,31}(?= )/.exec(error.message)?.[0];
  if (word === undefined) return { kind: KINDS.other, name: type };
  return { kind: findKind(word) ?? KINDS.rejected, name: word };
}

function findKind(name: string): FailureKind | undefined {
  return Object.values<FailureKind>(KINDS).find(({ names }) => names?.includes(name));
}

/** Returns the public error for any error of Redis or its client. */
export function toRedisError(error: unknown): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { kind, name } = classifyError(error);
  const { ErrorClass = KeyProviderError, message } = kind;
  return new ErrorClass(message(name), { cause: error, provider: REDIS });
}

/** Returns the error of a call that Redis did not answer in time. */
export function createTimeoutError(): GoldKeyError {
  return new KeyTimeoutError(KINDS.timeout.message(), { provider: REDIS });
}

/** Returns whether a connection must be replaced: it is lost, or its server no longer accepts writes. */
export function isConnectionLost(error: unknown): boolean {
  const { kind, name } = classifyError(error);
  return kind === KINDS.disconnected || kind === KINDS.unreachable || name === 'READONLY';
}

/** Returns the pause in ms before another try, or `undefined` for a permanent error. */
export function getRetryDelay(error: unknown, retried: number): number | undefined {
  if (isGoldKeyError(error) || classifyError(error).kind.isRetried !== true) return undefined;
  return halfJitter(backoffWindow(100, retried));
}
