import { setMaxListeners } from 'node:events';
import { closedError, raceAbort, systemClock, withRetries } from '../../core/index.js';
import { CredentialScrubber } from '../../util/credential-scrubber.js';
import { memoize } from '../../util/memoize.js';
import { createRetryDelay, toVaultError, VaultFailure } from './errors.js';
import { createSend, type VaultRequest, type VaultResponse } from './http.js';
import { createLogin } from './login.js';
import { checkVaultConnection, type VaultConnection } from './options.js';
import { createSession, createTokenSource } from './token.js';

/** A client of Vault that connects at its first request. */
export interface VaultClient {
  /** Rejects with a goldkey error, or with the signal's reason. */
  request(request: VaultRequest): Promise<VaultResponse>;
  /** Ends running requests and forgets the token. A later request connects again. */
  close(): Promise<void>;
}

const RETRIES = 2;

/**
 * Returns a client. The options are checked and copied; nothing is loaded or read before the first request. `of` is the
 * name of the function that takes the options, and `more` are the names of its options beside the connection's.
 */
export function createVaultClient(of: string, options: VaultConnection, more: readonly string[] = []): VaultClient {
  const completeSettings = checkVaultConnection(of, options, more);
  const scrubber = new CredentialScrubber();

  const open = () => {
    const closing = new AbortController();
    // Each running request listens to it, and Node.js warns of the eleventh listener.
    setMaxListeners(0, closing.signal);
    const connect = memoize(async () => {
      const settings = await completeSettings();
      const send = createSend(settings, closing.signal);
      const { auth } = settings;
      const source = auth.method === 'token' ? createTokenSource(auth.token) : createLogin(auth, send, scrubber);
      return { send, session: createSession(source, closing.signal) };
    });
    return { connect, closing };
  };
  let opened = open();

  return {
    async request(request) {
      const { signal, clock = systemClock, method, idempotent = method === 'GET' || method === 'LIST' } = request;
      signal?.throwIfAborted();
      let hasReplacedToken = false;
      // One connection for all tries: a request that pauses while the client is closed must not connect again.
      const { connect } = opened;
      const sendOnce = async (): Promise<VaultResponse> => {
        const { send, session } = await connect();
        const token = await session.getToken(clock);
        scrubber.remember(token);
        try {
          return await send(request, token);
        } catch (error) {
          if (hasReplacedToken || !(error instanceof VaultFailure) || !error.isAccessDenied) throw error;
          // The token may have been revoked.
          hasReplacedToken = true;
          const next = await session.replaceToken(token, clock).catch((failure: unknown) => {
            if (!(failure instanceof VaultFailure) || !failure.isLoginDenied) throw failure;
            // Denied with the token and without one: this is an answer, and not a mere lack of credentials.
            throw new VaultFailure('status', error.request, { status: 403, cause: toVaultError(failure) });
          });
          if (next === undefined) throw error;
          scrubber.remember(next);
          return await send(request, next);
        }
      };
      const getDelay = createRetryDelay(idempotent);
      try {
        return await raceAbort(withRetries(sendOnce, { retries: RETRIES, clock, signal, getDelay }), signal);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw scrubber.scrub(toVaultError(error));
      }
    },
    async close() {
      opened.closing.abort(closedError());
      opened = open();
    },
  };
}
