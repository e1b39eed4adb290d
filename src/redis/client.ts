import { tryOrUndefined } from '../core/index.js';
import { packageLoader } from '../util/load-package.js';
import { REDIS } from './errors.js';
import { runningClock } from './running-clock.js';

/** The commands that are needed of a client, whatever its class. */
export interface RedisCommands {
  get(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** The part of a client of `createClient` that is used. Its own type depends on the options. */
export interface RedisClient extends RedisCommands {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly options?: { readonly socket?: object | undefined; readonly password?: unknown } | undefined;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  /** Not in redis 4, which has `disconnect`. */
  destroy?(): void;
  disconnect(): unknown;
  unref(): void;
  duplicate(overrides: object): RedisClient;
  subscribe(channel: string, listener: () => void): Promise<unknown>;
  ping(): Promise<unknown>;
}

const CONNECT_TIMEOUT_MS = 1_000;

/**
 * Options of every client made here. It does not reconnect, because the package's timers for that keep the process alive.
 * It queues no commands while it is disconnected, because they would be sent after their caller has given up.
 */
const OPTIONS = { disableOfflineQueue: true, commandOptions: {} };
const SOCKET = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false };

/** Loads the package; no other file does. */
export const loadRedis: () => Promise<{ createClient(options: object): unknown }> = packageLoader<{
  createClient(options: object): unknown;
}>({ need: 'goldkey needs the client for Redis', name: 'redis', provider: REDIS }, () => import('redis'));

/** Returns a new client that is connected to `url`. RESP2, because every Redis supports it. */
export async function connectTo(url: URL): Promise<RedisClient> {
  const { createClient } = await loadRedis();
  // A copy, because the package writes the parts of `url` into it.
  const socket = { ...SOCKET };
  const options = { ...OPTIONS, url: url.href, socket, RESP: 2, maintNotifications: 'disabled' };
  return connect(createClient(options) as RedisClient);
}

/** Returns a new client that is connected to the server of `client`. */
export async function connectDuplicate(client: RedisClient): Promise<RedisClient> {
  const socket = { ...client.options?.socket, ...SOCKET };
  // Not the caller's cache and push messages, nor pings, whose timer keeps the process alive.
  const without = { clientSideCache: undefined, emitInvalidate: undefined, pingInterval: undefined };
  return connect(client.duplicate({ ...OPTIONS, ...without, socket }));
}

/** Connects; a client that cannot or hangs is disconnected. Its socket does not keep the process alive: calls' timers do. */
async function connect(client: RedisClient): Promise<RedisClient> {
  // Without a listener an error would end the process. The commands that it makes fail report it.
  client.on('error', () => undefined);
  client.unref();
  await disconnectOnFailure(client, 2 * CONNECT_TIMEOUT_MS, () => client.connect());
  return client;
}

/** Runs `work`. If it fails or takes longer than `ms`, the client is disconnected. */
export async function disconnectOnFailure(
  client: RedisClient,
  ms: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const timer = runningClock.setTimeout(() => disconnect(client), ms, { unref: true });
  try {
    await work();
  } catch (error) {
    disconnect(client);
    throw error;
  } finally {
    timer.cancel();
  }
}

/** Ends a connection at once. Some versions of the package throw or reject if it has ended already. */
export function disconnect(client: RedisClient): void {
  tryOrUndefined(() => {
    if (client.destroy !== undefined) client.destroy();
    else Promise.resolve(client.disconnect()).catch(() => undefined);
  });
}
