import { tryOrUndefined } from '../../../core/index.js';
import { packageLoader } from '../../../util/load-package.js';
import { REDIS } from './errors.js';

/** What is used of a client of `createClient`; whose options shape its type, and these are the same in all. */
export interface RedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly options?: { readonly socket?: object | undefined } | undefined;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
  unref(): void;
  duplicate(overrides: object): RedisClient;
  withAbortSignal(signal: AbortSignal): RedisClient;
  get(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  subscribe(channel: string, listener: () => void): Promise<unknown>;
  ping(): Promise<unknown>;
}

/** How long a connection may take to be made. */
const CONNECT_TIMEOUT = 1_000;

/**
 * What every connection made here has in common. It does not reconnect by itself: the package waits for that on timers that
 * would hold the process. Nor does it queue commands while it is down: they would be sent after their caller has given up.
 */
const OPTIONS = { disableOfflineQueue: true, commandOptions: {} };

/** Loads the package; the one place that does. */
const loadRedis = packageLoader<{ createClient(options: object): unknown }>(
  { need: 'goldkey/rotation/redis needs the client for Redis', name: 'redis', provider: REDIS },
  (createRequire) => createRequire(import.meta.url)('redis') as typeof import('redis'),
  () => import('redis'),
);

/** A connection to `url`, made and ready. RESP2: every Redis speaks it, and nothing here needs more. */
export async function connectTo(url: URL): Promise<RedisClient> {
  const { createClient } = await loadRedis();
  const socket = { connectTimeout: CONNECT_TIMEOUT, reconnectStrategy: false };
  const options = { ...OPTIONS, url: url.href, socket, RESP: 2, maintNotifications: 'disabled' };
  return connected(createClient(options) as RedisClient);
}

/** A connection of its own to where `client` goes. */
export function duplicateOf(client: RedisClient): RedisClient {
  const socket = { ...client.options?.socket, connectTimeout: CONNECT_TIMEOUT, reconnectStrategy: false };
  // What is the caller's business, or would keep a timer: their cache, their push messages, their pings.
  const without = { clientSideCache: undefined, emitInvalidate: undefined, pingInterval: undefined };
  return client.duplicate({ ...OPTIONS, ...without, socket });
}

/**
 * Connects; a client that cannot, or hangs while it greets the server, is let go of. Its sockets hold no process: a call
 * that waits has a timer that does.
 */
export async function connected(client: RedisClient): Promise<RedisClient> {
  // What a connection dies of is told by the commands that fail with it; without a listener it would end the process.
  client.on('error', () => undefined);
  client.unref();
  const limit = setTimeout(() => letGo(client), 2 * CONNECT_TIMEOUT).unref();
  try {
    await client.connect();
    return client;
  } catch (error) {
    letGo(client);
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

/** Ends a connection at once. One that has ended already says so in some versions by throwing. */
export function letGo(client: RedisClient): void {
  tryOrUndefined(() => client.destroy());
}
