import { closedError, KeyTimeoutError, systemClock, withRetries, type GoldKeyError } from '../core/index.js';
import { withDeadline } from '../util/deadline.js';
import { memoize } from '../util/memoize.js';
import { connectDuplicate, connectTo, disconnect, loadRedis, type RedisClient, type RedisCommands } from './client.js';
import { createTimeoutError, getRetryDelay, isConnectionLost, toRedisError } from './errors.js';
import { bindSignal, pickServer, type GivenClient } from './given-client.js';
import type { RedisPlace } from './place.js';
import { runningClock } from './running-clock.js';

/** A connection to Redis that is made at its first use. */
export interface RedisConnection {
  /**
   * Runs a command, which must be one that may run twice: it is sent again after a transient failure, for 2 s in all.
   * Rejects with a goldkey error, or with the signal's reason.
   */
  run<T>(command: (client: RedisCommands) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Loads the package if it is needed. On a slow CPU that takes seconds, so that it belongs to no time limit. */
  load(): Promise<unknown>;
  /** Returns a new client, which the caller must disconnect. */
  connectAnother(): Promise<RedisClient>;
  /** Returns the public error for any error, without the passwords of the connections. */
  toError(error: unknown): GoldKeyError;
  /** Ends the connection and the running commands. A later use connects again. */
  close(): void;
}

/** The limit of one call in ms: connecting, tries and pauses. */
export const CALL_TIMEOUT_MS = 2_000;
const RETRIES = 2;

/** Returns the connection that the options name. A caller's client is used, and neither connected nor closed. */
export function createRedisConnection({ client, url }: RedisPlace): RedisConnection {
  const source = client === undefined ? createOwnClient(url) : useGivenClient(client);
  const { load, connectAnother } = source;
  // One controller a call and not one for all, because Node.js warns of a signal's eleventh listener.
  const running = new Set<AbortController>();
  const toError = (error: unknown): GoldKeyError => toRedisError(error, source.listSecrets());

  return {
    async run<T>(command: (client: RedisCommands) => Promise<T>, signal?: AbortSignal) {
      const closing = new AbortController();
      running.add(closing);
      let asked: GivenClient | undefined;
      let wasReady = false;
      const send = async (deadline: AbortSignal): Promise<T> => {
        asked = await source.get();
        // The connection may have been closed meanwhile.
        deadline.throwIfAborted();
        wasReady = asked.isReady !== false;
        try {
          return await command(bindSignal(asked, deadline));
        } catch (error) {
          if (isConnectionLost(error)) source.drop(asked);
          throw error;
        }
      };
      try {
        await load();
        const late = (): Error => createTimeoutError(wasReady || asked?.isReady === true);
        const limits = { ms: CALL_TIMEOUT_MS, clock: runningClock, late, signals: [signal, closing.signal] };
        return await withDeadline(limits, (deadline) =>
          withRetries(() => send(deadline), {
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
        throw toError(error);
      } finally {
        running.delete(closing);
      }
    },
    load,
    connectAnother,
    toError,
    close() {
      for (const closing of running) closing.abort(closedError());
      source.drop();
    },
  };
}

/** A source of connected clients. */
interface ClientSource extends Pick<RedisConnection, 'load' | 'connectAnother'> {
  get(): Promise<GivenClient>;
  /** Disconnects the client, or only `lost` if that is given. */
  drop(lost?: GivenClient): void;
  /** Returns the passwords of the connections. */
  listSecrets(): string[];
}

function createOwnClient(url: URL): ClientSource {
  let current: { client?: RedisClient } = {};
  const connect = memoize(async () => {
    const mine = current;
    const client = await connectTo(url);
    mine.client = client;
    // Dropped while it was connecting.
    if (mine !== current) disconnect(client);
    return client;
  });
  const drop = (): void => {
    if (current.client !== undefined) disconnect(current.client);
    current = {};
    connect.forget();
  };
  return {
    load: loadRedis,
    async get() {
      // Lost since its last use.
      if (current.client?.isReady === false) drop();
      return connect();
    },
    drop(lost) {
      if (lost === undefined || lost === current.client) drop();
    },
    connectAnother: () => connectTo(url),
    listSecrets: () => [decodeURIComponent(url.password), url.password].filter(Boolean),
  };
}

function useGivenClient(client: GivenClient): ClientSource {
  let server: Pick<GivenClient, 'options'> = client;
  return {
    load: async () => undefined,
    get: async () => client,
    drop: () => undefined,
    async connectAnother() {
      const picked = await pickServer(client);
      server = picked;
      return connectDuplicate(picked);
    },
    listSecrets: () => [client, server].flatMap(({ options }) => readPassword(options?.password)),
  };
}

function readPassword(password: unknown): string[] {
  return typeof password === 'string' && password !== '' ? [password] : [];
}
