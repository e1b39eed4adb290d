import { describeType, invalidType } from '../core/index.js';
import type { RedisClient, RedisCommands } from './client.js';

/** A sentinel's function that lends the client of its master: the package has no public one that lends it whole. */
const ON_MASTER = '_execute';

/** A client of the caller: of `createClient`, `createClientPool`, `createCluster` or `createSentinel` of redis 4 to 6. */
export interface GivenClient extends RedisCommands {
  readonly isOpen?: boolean | undefined;
  readonly isReady?: boolean | undefined;
  readonly options?: { readonly legacyMode?: unknown; readonly password?: unknown } | undefined;
  connect(): unknown;
  withAbortSignal?(signal: AbortSignal): RedisCommands;
  withCommandOptions?(options: { abortSignal: AbortSignal }): RedisCommands;
  /** A cluster's. */
  getRandomNode?(): object | undefined;
  nodeClient?(node: object): RedisClient | Promise<RedisClient>;
  sendCommand?(firstKey: string | undefined, isReadonly: boolean, args: string[]): Promise<unknown>;
  /** A pool's. */
  execute?<T>(use: (client: RedisClient) => Promise<T>): Promise<T>;
  [ON_MASTER]?<T>(isReadonly: boolean, use: (client: RedisClient) => Promise<T>): Promise<T>;
  duplicate?(overrides: object): RedisClient;
}

/** Returns `client` if it has the commands that are needed. */
export function checkClient(client: unknown): GivenClient {
  const given = client as (Partial<GivenClient> & { readonly defineCommand?: unknown }) | null;
  const isFunction = (name: keyof GivenClient): boolean => typeof given?.[name] === 'function';
  if (isFunction('eval') && typeof given?.defineCommand === 'function') {
    throw invalidType(
      '`client` is a client of ioredis, whose commands take their arguments in another way; give one of the package redis (4 to 6), or `url`.',
    );
  }
  const canSubscribe = (['duplicate', 'nodeClient', 'execute', ON_MASTER] as const).some(isFunction);
  if (isFunction('get') && isFunction('eval') && isFunction('connect') && canSubscribe) {
    if (given?.options?.legacyMode !== true) return given as GivenClient;
    throw invalidType('`client` must not be in `legacyMode`, whose commands return no promise.');
  }
  if (typeof (given as { then?: unknown } | null)?.then === 'function') {
    throw invalidType('`client` is a promise; give the client that it resolves to, e.g. by `await`.');
  }
  throw invalidType(
    `\`client\` must be a client made by \`createClient\`, \`createClientPool\`, \`createCluster\` or \`createSentinel\` of redis 4 to 6, got ${describeType(client)}.`,
  );
}

/** Returns the commands of `client` that a signal takes out of its queue; redis 4 must be ready, as it has no such signal. */
export function bindSignal(client: GivenClient, signal: AbortSignal): RedisCommands {
  checkOpen(client);
  if (client.withAbortSignal !== undefined) return client.withAbortSignal(signal);
  if (client.withCommandOptions !== undefined) return client.withCommandOptions({ abortSignal: signal });
  if (client.isReady === false) throw createOfflineError();
  const { sendCommand } = client;
  if (client.nodeClient === undefined || sendCommand === undefined) return client;
  // A cluster of redis 4 sends its `eval` to any node, because it does not find the key in the arguments.
  return {
    get: (key) => client.get(key),
    eval: (script, { keys, arguments: args }) =>
      sendCommand.call(client, keys[0], false, ['EVAL', script, String(keys.length), ...keys, ...args]),
  };
}

/** Returns a client with one connection, to a server that published notices reach: each node of a cluster, or the master. */
export async function pickServer(client: GivenClient): Promise<RedisClient> {
  checkOpen(client);
  const pick = async (picked: RedisClient): Promise<RedisClient> => picked;
  const node = client.getRandomNode?.();
  if (node !== undefined && client.nodeClient !== undefined) return client.nodeClient(node);
  if (client.execute !== undefined) return client.execute(pick);
  if (client[ON_MASTER] !== undefined) return client[ON_MASTER](false, pick);
  return client as unknown as RedisClient;
}

/** Throws unless the client is open: a closed cluster answers with a TypeError, and looks for a node without end. */
function checkOpen(client: GivenClient): void {
  if (client.isOpen === false) throw createOfflineError();
}

/** Creates the package's error for a client that is not connected. */
function createOfflineError(): Error {
  return Object.assign(new Error('The client is offline.'), { code: 'ClientOfflineError' });
}
