import { describeType, KeyProviderError, KeyTimeoutError, type Clock } from '../../core/index.js';
import { isPrintableAscii } from '../../util/ascii.js';
import { withDeadline } from '../../util/deadline.js';
import { VAULT } from './errors.js';
import type { VaultSecret } from './options.js';

/** A token and its life, which starts at the request for it: the token is no older. */
export interface VaultToken {
  readonly token: string;
  /** Wall clock at the start. */
  readonly wall: number;
  /** Monotonic clock at the start. */
  readonly monotonic: number;
  /** Life in ms; Infinity if it never ends. */
  readonly duration: number;
  /** The life in ms that the login granted. */
  readonly granted: number;
  readonly renewable: boolean;
}

/** A source of tokens. */
export interface TokenSource {
  /** Gets a token. `signal` aborts when nothing waits for it any more. */
  obtain(signal: AbortSignal, clock: Clock): Promise<VaultToken>;
  /** Prolongs `token`, or gets another one. */
  renew(token: VaultToken, signal: AbortSignal, clock: Clock): Promise<VaultToken>;
}

/** The tokens of one client. */
export interface VaultSession {
  /** Returns the token in use, or gets one. */
  getToken(clock: Clock): Promise<string>;
  /** Returns another token than `denied`, or `undefined` if the source has no other. */
  replaceToken(denied: string, clock: Clock): Promise<string | undefined>;
}

/** The limit of one request for a token, a caller's function included. It must end even if no caller waits any more. */
const TOKEN_TIMEOUT_MS = 5_000;

/**
 * Returns a session over `source`. The first request after two thirds of a token's life renews it in the background. There
 * is no timer, so that an idle process ends and a frozen one misses no renewal.
 */
export function createSession(source: TokenSource, closing: AbortSignal): VaultSession {
  let current: VaultToken | undefined;
  let pending: Promise<VaultToken> | undefined;

  /** Runs `load` unless a run is pending, which every caller shares. */
  const loadOnce = (clock: Clock, load: (signal: AbortSignal) => Promise<VaultToken>): Promise<VaultToken> => {
    pending ??= withDeadline({ ms: TOKEN_TIMEOUT_MS, clock, late, signals: [closing] }, load)
      // Not within `load`, which may end after its deadline and after a later run.
      .then((token) => (current = token))
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };
  const obtain = async (clock: Clock): Promise<string> =>
    (await loadOnce(clock, (signal) => source.obtain(signal, clock))).token;

  return {
    async getToken(clock) {
      const held = current;
      if (held === undefined) return obtain(clock);
      const { wall, monotonic, duration } = held;
      // The later of two clocks: the monotonic one stops while a Lambda is frozen, and the wall clock can be set back.
      const age = Math.max(clock.now() - wall, clock.monotonic() - monotonic);
      if (age >= duration) return obtain(clock);
      if (age >= (duration * 2) / 3) {
        // The token is still good if this fails, and the next request tries again.
        loadOnce(clock, (signal) => source.renew(held, signal, clock)).catch(() => undefined);
      }
      return held.token;
    },
    async replaceToken(denied, clock) {
      // Another request may have replaced it already.
      if (current !== undefined && current.token !== denied) return current.token;
      const next = await obtain(clock);
      return next === denied ? undefined : next;
    },
  };
}

function late(): KeyTimeoutError {
  return new KeyTimeoutError(
    'There was no token for Vault within 5 s; check the network, the load of the server and the functions in `auth`.',
    { provider: VAULT },
  );
}

/** Returns the source of tokens that the caller provides. A token given as a string has no successor. */
export function createTokenSource(secret: VaultSecret): TokenSource {
  const obtain = async (): Promise<VaultToken> => {
    const token = await readSecret('auth.token', secret);
    return { token, wall: 0, monotonic: 0, duration: Infinity, granted: Infinity, renewable: false };
  };
  return { obtain, renew: obtain };
}

/** Returns the value of `secret`. An error of its function is retryable, so that a key in use stays in use. */
export async function readSecret(name: string, secret: VaultSecret): Promise<string> {
  if (typeof secret === 'string') return secret;
  let value: unknown;
  try {
    value = await secret();
  } catch (error) {
    throw new KeyProviderError(`The \`${name}\` function failed; its error is the \`cause\`.`, {
      cause: error,
      provider: VAULT,
    });
  }
  const text = typeof value === 'string' ? value.trim() : undefined;
  if (text !== undefined && isPrintableAscii(text)) return text;
  const got = text === undefined ? describeType(value) : text === '' ? 'an empty string' : 'other characters';
  throw new KeyProviderError(`The \`${name}\` function must return visible ASCII characters, got ${got}.`, {
    provider: VAULT,
  });
}
