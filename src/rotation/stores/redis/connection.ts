import { closedError, KeyTimeoutError, withRetries, systemClock } from '../../../core/index.js';
import { withDeadline } from '../../../util/deadline.js';
import { connected, connectTo, duplicateOf, letGo, type RedisClient } from './client.js';
import { isConnectionSpent, redisError, redisPause, slow } from './errors.js';
import type { CheckedRedisOptions } from './options.js';

/** A way to Redis that connects when first used. */
export interface RedisLink {
  /**
   * Runs a command that may happen twice: it is sent again after a failure that passes, for 2 s in all. Rejects with a
   * goldkey error, or with the signal's reason.
   */
  run<T>(command: (client: RedisClient) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Makes a connection that is the caller's to end. */
  another(): Promise<RedisClient>;
  /** Ends the connection, and what waits for it; a later use makes another. */
  close(): void;
}

/** All of one call: connecting, tries and pauses. */
export const CALL_TIMEOUT = 2_000;
const RETRIES = 2;

/** The way that the options name. The caller's client is theirs: it is used, and neither connected nor closed. */
export function redisLink({ client, url }: CheckedRedisOptions): RedisLink {
  const connection = client === undefined ? ownConnection(url) : callersClient(client as RedisClient);
  // One for each call, rather than one for all: a signal warns of the eleventh who listens to it.
  const running = new Set<AbortController>();

  const send = async <T>(command: (client: RedisClient) => Promise<T>, stop: AbortSignal): Promise<T> => {
    const current = await connection.get();
    // Closed while it connected: a connection made now would be nobody's.
    stop.throwIfAborted();
    try {
      // A command that waits in the client's queue is taken out of it when nobody waits for it any more.
      return await command(current.withAbortSignal(stop));
    } catch (error) {
      if (isConnectionSpent(error)) connection.drop(current);
      throw error;
    }
  };
  return {
    async run(command, signal) {
      const closing = new AbortController();
      running.add(closing);
      const limits = { ms: CALL_TIMEOUT, clock: systemClock, late: () => slow(), signals: [signal, closing.signal] };
      try {
        return await withDeadline(limits, (stop) =>
          withRetries(() => send(command, stop), {
            retries: RETRIES,
            clock: systemClock,
            signal: stop,
            delayOf: redisPause,
          }),
        );
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        // The other side may have gone without a word: the next call finds out with a connection of its own.
        if (error instanceof KeyTimeoutError) connection.drop();
        throw redisError(error);
      } finally {
        running.delete(closing);
      }
    },
    another: () => connection.another(),
    close() {
      for (const closing of running) closing.abort(closedError());
      connection.drop();
    },
  };
}

/** The connection behind a link. */
interface Connection {
  get(): Promise<RedisClient>;
  /** Lets go of the connection; where `spent` is given, only if it is that one. */
  drop(spent?: RedisClient): void;
  another(): Promise<RedisClient>;
}

function ownConnection(url: URL): Connection {
  /** `client` once it is connected. */
  let held: { opening: Promise<RedisClient>; client?: RedisClient } | undefined;
  return {
    async get() {
      // Lost since it was last used.
      if (held?.client?.isReady === false) this.drop();
      const mine = (held ??= { opening: connectTo(url) });
      try {
        const client = await mine.opening;
        mine.client = client;
        // Dropped while it was made.
        if (held !== mine) letGo(client);
        return client;
      } catch (error) {
        if (held === mine) held = undefined;
        throw error;
      }
    },
    drop(spent) {
      if (spent !== undefined && spent !== held?.client) return;
      if (held?.client !== undefined) letGo(held.client);
      held = undefined;
    },
    another: () => connectTo(url),
  };
}

function callersClient(client: RedisClient): Connection {
  return {
    get: () => Promise.resolve(client),
    drop: () => undefined,
    another: () => connected(duplicateOf(client)),
  };
}
