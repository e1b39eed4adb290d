import { KeyProviderError, KeyTimeoutError, describeType, type Clock } from '../../core/index.js';
import { VAULT } from './failures.js';
import type { VaultSecret } from './options.js';
import { isPrintableAscii } from '../../util/ascii.js';
import { withDeadline } from '../../util/deadline.js';

/** A token, as a request uses it. */
export interface VaultToken {
  readonly token: string;
}

/** Where the tokens come from. */
export interface VaultSession {
  /** The token to send: the one that is there, or a new one. */
  token(clock: Clock): Promise<VaultToken>;
  /** Another one in place of one that was refused; `undefined` when there is none. */
  another(refused: VaultToken, clock: Clock): Promise<VaultToken | undefined>;
}

/** Getting a token, a caller's function included, must end by itself: whoever waited for it may have left. */
const SESSION_TIMEOUT = 5_000;

/** At most one run at a time; who comes meanwhile gets the result of the one under way. */
export function singleFlight<T>(closing: AbortSignal): FlightOf<T> {
  let flight: Promise<T> | undefined;
  return (clock, work) => {
    flight ??= withDeadline({ ms: SESSION_TIMEOUT, clock, late, signals: [closing] }, work).finally(() => {
      flight = undefined;
    });
    return flight;
  };
}

function late(): KeyTimeoutError {
  return new KeyTimeoutError(
    'There was no token for Vault within 5 s; check the network, the load of the server and the functions in `auth`.',
    { provider: VAULT },
  );
}

/** See {@link singleFlight}. */
export type FlightOf<T> = (clock: Clock, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** The value of a secret now. What its function does wrong says nothing about the key, so that a key in use serves on. */
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

/** Tokens made elsewhere. One that is given as a string has no successor. */
export function tokenSession(secret: VaultSecret, closing: AbortSignal): VaultSession {
  let held: VaultToken | undefined;
  const fly = singleFlight<VaultToken>(closing);
  // Kept when the flight is over and not by its work, which may come late, after the next one.
  const read = async (clock: Clock): Promise<VaultToken> =>
    (held = await fly(clock, async () => ({ token: await readSecret('auth.token', secret) })));
  return {
    token: async (clock) => held ?? (await read(clock)),
    async another(refused, clock) {
      if (typeof secret === 'string') return undefined;
      // Somebody else's request may have been refused, and have asked, before.
      if (held !== undefined && held.token !== refused.token) return held;
      const next = await read(clock);
      return next.token === refused.token ? undefined : next;
    },
  };
}
