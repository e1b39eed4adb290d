import { closedError, KeyTimeoutError, systemClock, withRetries } from '../../../core/index.js';
import { withDeadline } from '../../../util/deadline.js';
import { connectDuplicate, connectTo, disconnect, type RedisClient } from './client.js';
import { createTimeoutError, getRetryDelay, isConnectionLost, toRedisError } from './errors.js';
import type { CheckedRedisOptions } from './options.js';

/** A connection to Redis that is made at its first use. */
export interface RedisConnection {
  /**
   * Runs a command, which must be one that may run twice: it is sent again after a transient failure, for 2 s in all.
   * Rejects with a goldkey error, or with the signal's reason.
   */
  run<T>(command: (client: RedisClient) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Returns a new client, which the caller must disconnect. */
  connectAnother(): Promise<RedisClient>;
  /** Ends the connection and the running commands. A later use connects again. */
  close(): void;
}

/** The limit of one call in ms: connecting, tries and pauses. */
export const CALL_TIMEOUT_MS = 2_000;
const RETRIES = 2;

/** Returns the connection that the options name. A caller's client is used, and neither connected nor closed. */
export function createRedisConnection({ client, url }: CheckedRedisOptions): RedisConnection {
  const source = client === undefined ? createOwnClient(url) : useCallersClient(client as RedisClient);
  // One controller a call and not one for all, because Node.js warns of a signal's eleventh listener.
  const running = new Set<AbortController>();

  const send = async <T>(command: (client: RedisClient) => Promise<T>, signal: AbortSignal): Promise<T> => {
    const current = await source.get();
    // The connection may have been closed meanwhile.
    signal.throwIfAborted();
    try {
      // The signal also takes a command out of the client's queue.
      return await command(current.withAbortSignal(signal));
    } catch (error) {
      if (isConnectionLost(error)) source.drop(current);
      throw error;
    }
  };
  return {
    async run(command, signal) {
      const closing = new AbortController();
      running.add(closing);
      const signals = [signal, closing.signal];
      const limits = { ms: CALL_TIMEOUT_MS, clock: systemClock, late: createTimeoutError, signals };
      try {
        return await withDeadline(limits, (deadline) =>
          withRetries(() => send(command, deadline), {
            retries: RETRIES,
            clock: systemClock,
            signal: deadline,
            getDelay: getRetryDelay,
          }),
        );
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        // The server may have vanished silently, so the next call makes a new connection.
        if (error instanceof KeyTimeoutError) source.drop();
        throw toRedisError(error);
      } finally {
        running.delete(closing);
      }
    },
    connectAnother: () => source.connectAnother(),
    close() {
      for (const closing of running) closing.abort(closedError());
      source.drop();
    },
  };
}

/** A source of connected clients. */
interface ClientSource {
  get(): Promise<RedisClient>;
  /** Disconnects the client, or only `lost` if that is given. */
  drop(lost?: RedisClient): void;
  connectAnother(): Promise<RedisClient>;
}

function createOwnClient(url: URL): ClientSource {
  let connecting: Promise<RedisClient> | undefined;
  let connected: RedisClient | undefined;
  const drop = (): void => {
    if (connected !== undefined) disconnect(connected);
    connecting = undefined;
    connected = undefined;
  };
  return {
    async get() {
      // Lost since its last use.
      if (connected?.isReady === false) drop();
      const mine = (connecting ??= connectTo(url));
      try {
        const client = await mine;
        if (connecting === mine) connected = client;
        // Dropped while it was connecting.
        else disconnect(client);
        return client;
      } catch (error) {
        if (connecting === mine) connecting = undefined;
        throw error;
      }
    },
    drop(lost) {
      if (lost === undefined || lost === connected) drop();
    },
    connectAnother: () => connectTo(url),
  };
}

function useCallersClient(client: RedisClient): ClientSource {
  return {
    get: () => Promise.resolve(client),
    drop: () => undefined,
    connectAnother: () => connectDuplicate(client),
  };
}
