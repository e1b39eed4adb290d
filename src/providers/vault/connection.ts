import { setMaxListeners } from 'node:events';
import { closedError, withRetries, systemClock, type Clock } from '../../core/index.js';
import { isRefusal, isRefusedLogin, vaultError } from './errors.js';
import { vaultPause, VaultFault, type VaultCall } from './failures.js';
import { loginOf, loginSession } from './login.js';
import { checkVaultConnection, type CheckedVaultConnection, type VaultConnection } from './options.js';
import { tokenSession, type VaultSession } from './token.js';
import { vaultSettings } from './settings.js';
import { raceAbort } from '../../util/deadline.js';
import { vaultWire, type Exchange, type VaultAnswer } from './http.js';

/** One request to Vault. */
export interface VaultRequest {
  method: 'GET' | 'LIST' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/v1/`, encoded, with its query, e.g. `secret/data/gold?version=2`. */
  path: string;
  /** Sent as JSON. */
  body?: object | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Ends the request with its reason. */
  signal?: AbortSignal | undefined;
  /** Carries timeouts and pauses, and tells a token's age. Default: the system's. */
  clock?: Clock | undefined;
  /** The request in words, for messages: `the read of the key ring`. */
  what: string;
  /** The capability that a policy has to give, for the message of a refusal. Default: what the method asks for. */
  needs?: string | undefined;
  /**
   * Whether it does no harm to send it twice. Without, it is not sent again after a failure that leaves open whether Vault
   * has done it. Default: true for GET and LIST.
   */
  idempotent?: boolean | undefined;
  /**
   * Statuses beside 2xx that are an answer rather than an error. Default 404, which can mean absent, deleted or hidden: the
   * body tells.
   */
  accept?: readonly number[] | undefined;
}

/** A way to Vault that connects when first used. */
export interface VaultLink {
  /** Rejects with a goldkey error, or with the signal's reason. */
  request(request: VaultRequest): Promise<VaultAnswer>;
  /** Cuts what is running, and forgets the token. A later request connects anew. */
  close(): void;
}

interface Connection {
  readonly exchange: Exchange;
  readonly session: VaultSession;
}

const RETRIES = 2;
const NOT_FOUND: readonly number[] = [404];

/**
 * Checks the options and keeps a copy; nothing is loaded or read before the first request.
 *
 * @param of - whose options these are, for messages
 * @param options - the connection, maybe among options of the caller's own
 * @param more - the names of those
 */
export function vaultLink(of: string, options: VaultConnection, more: readonly string[] = []): VaultLink {
  const checked = checkVaultConnection(of, options, more);
  let opened: { connection: Promise<Connection>; closing: AbortController } | undefined;

  const connection = async (): Promise<Connection> => {
    if (opened === undefined) {
      const closing = new AbortController();
      // Every request under way listens to it, and Node.js would warn of the eleventh.
      setMaxListeners(0, closing.signal);
      opened = { closing, connection: connect(checked, closing.signal) };
    }
    const mine = opened;
    try {
      return await mine.connection;
    } catch (error) {
      // A variable may be set, or a file be there, the next time.
      if (opened === mine) opened = undefined;
      throw error;
    }
  };

  return {
    async request(request) {
      const { signal, clock = systemClock, method, idempotent = method === 'GET' || method === 'LIST' } = request;
      signal?.throwIfAborted();
      const state = { loggedInAnew: false };
      // One connection for all tries: a request that pauses while the link is closed must not open it again.
      let mine: Connection | undefined;
      const run = async (): Promise<VaultAnswer> => exchanged((mine ??= await connection()), request, clock, state);
      const delayOf = vaultPause(idempotent);
      try {
        return await raceAbort(withRetries(run, { retries: RETRIES, clock, signal, delayOf }), signal);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw vaultError(error);
      }
    },
    close() {
      opened?.closing.abort(closedError());
      opened = undefined;
    },
  };
}

async function connect(checked: CheckedVaultConnection, closing: AbortSignal): Promise<Connection> {
  const settings = await vaultSettings(checked);
  const exchange = await vaultWire(settings, closing);
  const { auth } = settings;
  const session =
    auth.method === 'token' ? tokenSession(auth.token, closing) : loginSession(loginOf(auth), exchange, closing);
  return { exchange, session };
}

/** One try: once in a request's life a token that is refused is replaced, because it may have been revoked. */
async function exchanged(
  { exchange, session }: Connection,
  { method, path, body, headers, signal, what, needs, accept = NOT_FOUND }: VaultRequest,
  clock: Clock,
  state: { loggedInAnew: boolean },
): Promise<VaultAnswer> {
  const call: VaultCall = { what, needs, method, path: path.replace(/\?.*$/s, '') };
  const held = await session.token(clock);
  const outgoing = { call, path, body, headers, signal, clock, accept };
  try {
    return await exchange({ ...outgoing, token: held.token });
  } catch (error) {
    if (state.loggedInAnew || !isRefusal(error)) throw error;
    state.loggedInAnew = true;
    const next = await session.another(held, clock).catch((failure: unknown) => {
      // Refused with the token and without: that is Vault's last word, and no mere lack of credentials.
      throw isRefusedLogin(failure)
        ? new VaultFault('status', call, { status: 403, cause: vaultError(failure) })
        : failure;
    });
    if (next === undefined) throw error;
    return await exchange({ ...outgoing, token: next.token });
  }
}
