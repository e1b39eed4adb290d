import { setMaxListeners } from 'node:events';
import { type Clock, closedError, raceAbort, systemClock, withRetries } from '../../core/index.js';
import { memoize } from '../../util/memoize.js';
import { isAccessDenied, isLoginDenied, toVaultError } from './errors.js';
import { createRetryDelay, VaultFailure } from './failures.js';
import { createSend, type SendToVault, type VaultRequest, type VaultResponse } from './http.js';
import { createLogin } from './login.js';
import { checkVaultConnection, type VaultConnection } from './options.js';
import { createSession, createTokenSource, type VaultSession } from './token.js';

/** A client of Vault that connects at its first request. */
export interface VaultClient {
  /** Rejects with a goldkey error, or with the signal's reason. */
  request(request: VaultRequest): Promise<VaultResponse>;
  /** Ends running requests and forgets the token. A later request connects again. */
  close(): void;
}

interface Connection {
  readonly send: SendToVault;
  readonly session: VaultSession;
}

const RETRIES = 2;

/**
 * Returns a client. The options are checked and copied; nothing is loaded or read before the first request.
 *
 * @param of - the function that takes the options, for messages
 * @param options - the connection, possibly among other options
 * @param more - the names of those
 */
export function createVaultClient(of: string, options: VaultConnection, more: readonly string[] = []): VaultClient {
  const completeSettings = checkVaultConnection(of, options, more);

  const open = (): { connect: () => Promise<Connection>; closing: AbortController } => {
    const closing = new AbortController();
    // Each running request listens to it, and Node.js warns of the eleventh listener.
    setMaxListeners(0, closing.signal);
    const connect = memoize(async () => {
      const settings = await completeSettings();
      const send = createSend(settings, closing.signal);
      const { auth } = settings;
      const session =
        auth.method === 'token'
          ? createSession(createTokenSource(auth.token), closing.signal)
          : createSession(createLogin(auth, send), closing.signal);
      return { send, session };
    });
    return { connect, closing };
  };
  let opened = open();

  return {
    async request(request) {
      const { signal, clock = systemClock, method, idempotent = method === 'GET' || method === 'LIST' } = request;
      signal?.throwIfAborted();
      const state = { hasReplacedToken: false };
      // One connection for all tries: a request that pauses while the client is closed must not connect again.
      const { connect } = opened;
      const run = async (): Promise<VaultResponse> => sendOnce(await connect(), request, clock, state);
      const getDelay = createRetryDelay(idempotent);
      try {
        return await raceAbort(withRetries(run, { retries: RETRIES, clock, signal, getDelay }), signal);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw toVaultError(error);
      }
    },
    close() {
      opened.closing.abort(closedError());
      opened = open();
    },
  };
}

/** Sends one try. Once in a request's life it replaces a token that Vault denies, because it may have been revoked. */
async function sendOnce(
  { send, session }: Connection,
  request: VaultRequest,
  clock: Clock,
  state: { hasReplacedToken: boolean },
): Promise<VaultResponse> {
  const token = await session.getToken(clock);
  try {
    return await send(request, token);
  } catch (error) {
    if (state.hasReplacedToken || !isAccessDenied(error)) throw error;
    state.hasReplacedToken = true;
    const next = await session.replaceToken(token, clock).catch((failure: unknown) => {
      // Denied with the token and without one: this is an answer, and not a mere lack of credentials.
      throw isLoginDenied(failure)
        ? new VaultFailure('status', error.request, { status: 403, cause: toVaultError(failure) })
        : failure;
    });
    if (next === undefined) throw error;
    return await send(request, next);
  }
}
