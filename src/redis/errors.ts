import {
  backoffWindow,
  halfJitter,
  isError,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyProviderError,
  KeyTimeoutError,
  LOST_CONNECTION_CODES,
  REDACTED,
  scrub,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../core/index.js';
import { parseErrorName } from '../util/error-name.js';

/** The name of Redis in errors. */
export const REDIS = 'redis';

interface FailureKind {
  /** The first word of an answer of Redis, or a class of the package. */
  readonly names?: readonly string[];
  /** The answers of this kind whose first word, `ERR`, is that of many others. */
  readonly text?: RegExp;
  /** Default: `KeyProviderError`. */
  readonly ErrorClass?: new (message: string, options: GoldKeyErrorOptions) => GoldKeyError;
  /** Returns the public message, which shows neither an address, a command nor a text. */
  readonly message: (name: string) => string;
  readonly isRetried?: boolean;
  /** False: only another configuration helps. Default: the class's. */
  readonly retryable?: false;
}

const KINDS = {
  login: {
    names: ['WRONGPASS'],
    text: /invalid password|AUTH <password> called without|but no password is set/,
    ErrorClass: KeyAccessDeniedError,
    message: (name) =>
      `Redis refused the user or the password (${name}); check both in \`url\`, or where \`client\` is made.`,
  },
  noLogin: {
    names: ['NOAUTH'],
    ErrorClass: KeyAccessDeniedError,
    message: (name) =>
      `Redis answered with ${name}: it asks for a user and a password; give them in \`url\`, or where \`client\` is made.`,
  },
  protected: {
    names: ['DENIED'],
    ErrorClass: KeyAccessDeniedError,
    message: (name) =>
      `Redis is in protected mode (${name}): without a password it serves its own host only; set a password there.`,
  },
  denied: {
    names: ['NOPERM'],
    // Redis 7.0 says so of a command in a script.
    text: /The user executing the script can't/,
    ErrorClass: KeyAccessDeniedError,
    message: () =>
      'Redis denied a command, a key or the channel (NOPERM); the ACL must allow get, set and eval, for a ring publish, subscribe and ping, for leases time, hget, hset, pexpire and del, on its keys and channel.',
  },
  node: {
    names: ['MOVED', 'ASK'],
    message: (name) =>
      `Redis answered with ${name}: it is a node of a cluster, and another node has the key; give a \`client\` of \`createCluster\` in place of \`url\`.`,
  },
  cluster: {
    names: ['CLUSTERDOWN', 'TRYAGAIN', 'MaxCommandRedirectionsError'],
    message: (name) =>
      `The cluster does not serve the key's slot at the moment (${name}); check its nodes if it stays so.`,
    isRetried: true,
  },
  database: {
    text: /DB index|SELECT is not allowed/,
    message: () =>
      'Redis has no database of that number; correct the one in `url` or leave it out: a cluster has only 0.',
    retryable: false,
  },
  sentinel: {
    text: /unknown command [`'"]?(?:GET|SELECT)\b/i,
    message: () =>
      'A Sentinel, or another server that holds no keys, answered in place of Redis; give a `client` of `createSentinel`, or the address of the master.',
    retryable: false,
  },
  scripts: {
    text: /unknown command [`'"]?EVAL\b/i,
    message: () => 'Redis, or a proxy in front of it, has no EVAL, which rings and replay stores need; enable it.',
  },
  noScript: {
    names: ['NOSCRIPT'],
    message: (name) =>
      `Redis has lost a script that a proxy in front of it had stored (${name}), which another try mends.`,
    isRetried: true,
  },
  full: {
    names: ['OOM'],
    message: (name) => `Redis has no memory left for a write (${name}); raise its \`maxmemory\` or remove other keys.`,
  },
  unwritable: {
    names: ['MISCONF', 'NOREPLICAS'],
    message: (name) =>
      `Redis takes no writes (${name}) because its disk or its replicas fail; its log says which, and reads go on.`,
  },
  replica: {
    names: ['READONLY'],
    message: (name) =>
      `Redis answered with ${name}: it is a replica, because it is failing over or the address is not the master's; \`createSentinel\` follows the master.`,
    isRetried: true,
  },
  orphan: {
    names: ['MASTERDOWN'],
    message: (name) => `This replica has lost its master (${name}), which should pass once Redis has failed over.`,
    isRetried: true,
  },
  loading: {
    names: ['LOADING'],
    message: (name) => `Redis answered with ${name}: it is starting and reads its data, which should pass.`,
    isRetried: true,
  },
  busy: {
    names: ['BUSY', 'UNBLOCKED'],
    message: (name) => `Redis is busy (${name}) with another script, which should pass.`,
    isRetried: true,
  },
  disconnected: {
    // The package gives the errors of a lost connection neither a name nor a code.
    names: [
      'SocketClosedUnexpectedlyError',
      'SocketTimeoutError',
      'DisconnectsClientError',
      'ClientOfflineError',
      'ClientClosedError',
      'ReconnectStrategyError',
    ],
    message: (name) =>
      `There is no connection to Redis (${name}): it was lost or refused, and a \`client\` of yours must be connected before its use.`,
    isRetried: true,
  },
  unreachable: {
    names: ['RootNodesUnavailableError'],
    message: (name) => `Redis could not be reached (${name}); check \`url\`, the network and that it is running.`,
    isRetried: true,
  },
  tls: {
    message: (name) =>
      `The TLS connection to Redis failed (${name}); check its certificate, the host name, and that this port uses TLS.`,
  },
  connectTimeout: {
    names: ['ConnectionTimeoutError', 'ETIMEDOUT'],
    ErrorClass: KeyTimeoutError,
    message: () => 'There was no connection to Redis in time; check `url` or `client`, and the network.',
    isRetried: true,
  },
  poolTimeout: {
    names: ['TimeoutError'],
    ErrorClass: KeyTimeoutError,
    message: () => 'No connection of the pool in `client` was free in time; check its size, and that it is connected.',
  },
  timeout: {
    ErrorClass: KeyTimeoutError,
    message: () => 'Redis did not answer in time; check the network and the load of the server.',
  },
  wrongType: {
    names: ['WRONGTYPE'],
    message: (name) => `Redis answered with ${name}; check that goldkey's key holds nothing else.`,
  },
  rejected: { message: (name) => `Redis answered with ${name}; its error is the \`cause\`.` },
  other: { message: (name) => `Redis failed with ${name}; its error is the \`cause\`.` },
} satisfies Readonly<Record<string, FailureKind>>;

const LIST: readonly FailureKind[] = Object.values(KINDS);

/** Returns the kind of an error, and the name that Redis, the package or the system gives it. */
function classifyError(error: unknown): { kind: FailureKind; name: string } {
  if (!isError(error)) return { kind: KINDS.other, name: 'Error' };
  const type = error.constructor.name;
  const kindOfClass = findKind(type);
  if (kindOfClass !== undefined) return { kind: kindOfClass, name: type };
  const code = parseErrorName((error as { code?: unknown }).code);
  if (code !== undefined) {
    if (LOST_CONNECTION_CODES.has(code)) return { kind: KINDS.unreachable, name: code };
    const isTls = /TLS|SSL|CERT|SIGNATURE|EPROTO/.test(code);
    return { kind: findKind(code) ?? (isTls ? KINDS.tls : KINDS.other), name: code };
  }
  // The first word of an answer is its code; before Redis 7 a script's error holds that of its command. The rest may quote
  // what was sent.
  const { message } = error;
  const word = (/^ERR Error running script.* -([A-Z]+) /.exec(message) ?? /^([A-Z][A-Z0-9]{1,31}) /.exec(message))?.[1];
  if (word === undefined) return { kind: KINDS.other, name: type };
  const kind = findKind(word) ?? LIST.find(({ text }) => text?.test(message) === true);
  return { kind: kind ?? KINDS.rejected, name: word };
}

function findKind(name: string): FailureKind | undefined {
  return LIST.find(({ names }) => names?.includes(name));
}

/** Returns the public error for any error of Redis or its client, whose texts may quote the store's own `secrets`. */
export function toRedisError(error: unknown, secrets: readonly string[]): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const cause = hideSecrets(error, secrets);
  const { kind, name } = classifyError(cause);
  const { ErrorClass = KeyProviderError, message, retryable } = kind;
  return new ErrorClass(message(name), { cause, retryable, provider: REDIS });
}

/** Returns `error` without the secrets, and without the arguments that a server quotes of a command it does not know. */
function hideSecrets(error: unknown, secrets: readonly string[]): unknown {
  const clean = scrub(error, secrets);
  for (let next = clean, depth = 0; next instanceof Error && depth < 9; next = next.cause, depth++) {
    for (const field of ['message', 'stack'] as const) {
      const text: unknown = next[field];
      if (typeof text !== 'string') continue;
      let changed = text.replaceAll(/(with args beginning with:)[^\n]*/g, `$1 ${REDACTED}`);
      // A password shorter than a key is not looked for by `scrub`.
      for (const secret of secrets) changed = changed.replaceAll(secret, REDACTED);
      if (changed !== text) Reflect.set(next, field, changed);
    }
  }
  return clean;
}

/** Returns the error of a call whose time is up; `wasAsked` tells whether there was a connection to ask on. */
export function createTimeoutError(wasAsked: boolean): GoldKeyError {
  const { message } = wasAsked ? KINDS.timeout : KINDS.connectTimeout;
  return new KeyTimeoutError(message(), { provider: REDIS });
}

/** Returns whether a connection must be replaced: it is lost, or its server no longer accepts writes. */
export function isConnectionLost(error: unknown): boolean {
  const { kind } = classifyError(error);
  return kind === KINDS.disconnected || kind === KINDS.unreachable || kind === KINDS.replica;
}

/** Returns the pause in ms before another try, or `undefined` for a permanent error. */
export function getRetryDelay(error: unknown, retried: number): number | undefined {
  if (isGoldKeyError(error) || classifyError(error).kind.isRetried !== true) return undefined;
  return halfJitter(backoffWindow(100, retried));
}
