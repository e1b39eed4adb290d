import {
  type GoldKeyError,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyProviderError,
  KeyTimeoutError,
  LOST_CONNECTION_CODES,
} from '../../../core/index.js';

/** The name of Redis in errors. */
export const REDIS = 'redis';

/** Words that Redis begins a refusal with. */
const DENIED: ReadonlySet<string> = new Set(['NOAUTH', 'NOPERM', 'WRONGPASS']);
/** Words for a state that passes within moments: starting, failing over, at work on another script. */
const PASSING: ReadonlySet<string> = new Set([
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'BUSY',
  'UNBLOCKED',
]);
/** How the package calls a connection that has gone: it gives its errors neither a name nor a code. */
const DISCONNECTED: ReadonlySet<string> = new Set([
  'SocketClosedUnexpectedlyError',
  'DisconnectsClientError',
  'ClientOfflineError',
  'ClientClosedError',
]);

type Fault = 'denied' | 'passing' | 'disconnected' | 'socket' | 'tls' | 'timeout' | 'refused' | 'other';

/** What kind of failure it is; `word` is what Redis, the package or the system calls it. */
function faultOf(error: unknown): { fault: Fault; word: string } {
  if (!(error instanceof Error)) return { fault: 'other', word: 'Error' };
  const { code } = error as { code?: unknown };
  const type = error.constructor.name;
  if (DISCONNECTED.has(type)) return { fault: 'disconnected', word: type };
  if (type === 'ConnectionTimeoutError' || type === 'TimeoutError' || code === 'ETIMEDOUT') {
    return { fault: 'timeout', word: type };
  }
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) {
    if (LOST_CONNECTION_CODES.has(code)) return { fault: 'socket', word: code };
    return { fault: /TLS|SSL|CERT|SIGNATURE|EPROTO/.test(code) ? 'tls' : 'other', word: code };
  }
  // An answer of Redis: its first word is its code. The rest may quote what was sent.
  const word = /^[A-Z][A-Z0-9]{1,31}(?= )/.exec(error.message)?.[0];
  if (word === undefined) return { fault: 'other', word: type };
  return { fault: DENIED.has(word) ? 'denied' : PASSING.has(word) ? 'passing' : 'refused', word };
}

/** One of our errors for whatever came of Redis. No message shows an address, a command or a text. */
export function redisError(error: unknown): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { fault, word } = faultOf(error);
  const options = { cause: error, provider: REDIS };
  switch (fault) {
    case 'denied':
      return new KeyAccessDeniedError(
        `Redis refused with ${word}: check the user and password, and that its ACL allows GET, EVAL and SUBSCRIBE on the ring's keys and channel.`,
        options,
      );
    case 'passing':
      return new KeyProviderError(`Redis answered with ${word}: it is starting, failing over or busy.`, options);
    case 'disconnected':
      return new KeyProviderError(
        `The connection to Redis is not there (${word}); a \`client\` of your own must be connected before.`,
        options,
      );
    case 'socket':
      return new KeyProviderError(
        `Redis could not be reached (${word}); check \`url\`, the network and that it is running.`,
        options,
      );
    case 'tls':
      return new KeyProviderError(
        `The TLS connection to Redis failed (${word}); check its certificate, the host name, and that it speaks TLS on this port.`,
        options,
      );
    case 'timeout':
      return slow(error);
    case 'refused':
      return new KeyProviderError(
        `Redis answered with ${word}; its error is the \`cause\`. Check that the ring's key holds nothing else, and that EVAL is allowed.`,
        options,
      );
    default:
      return new KeyProviderError(`Redis failed with ${word}; its error is the \`cause\`.`, options);
  }
}

/** Redis did not answer in time. */
export function slow(cause?: unknown): KeyTimeoutError {
  return new KeyTimeoutError('Redis did not answer in time; check the network and the load of the server.', {
    cause,
    provider: REDIS,
  });
}

/** Whether a connection is of no use any more: gone, or to a server that has stopped being the one to write to. */
export function isConnectionSpent(error: unknown): boolean {
  const { fault, word } = faultOf(error);
  return fault === 'disconnected' || fault === 'socket' || word === 'READONLY';
}

/** The pause before another try, in ms, or `undefined` when another try would change nothing. */
export function redisPause(error: unknown, retried: number): number | undefined {
  const { fault } = faultOf(error);
  if (isGoldKeyError(error) || !['passing', 'disconnected', 'socket'].includes(fault)) return undefined;
  const window = 100 * 2 ** retried;
  return Math.round((window * (1 + Math.random())) / 2);
}
