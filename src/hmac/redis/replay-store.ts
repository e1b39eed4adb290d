import { checkOptionNames, checkString, KeyProviderError, nodeCrypto, systemClock } from '../../core/index.js';
import { createRedisConnection } from '../../redis/connection.js';
import { REDIS } from '../../redis/errors.js';
import { checkPlace } from '../../redis/place.js';
import type { ReplayStore } from '../types.js';

/** Shortest time that a message is remembered, in ms, whatever this clock says. */
const MIN_MS = 600_000;

/**
 * Remembers a message unless it is known: `SET … NX` with an end. KEYS: the message. ARGV: a text that only this call has, ms.
 * Returns 1 for a new message; one whose first answer was lost is found again by its text. Returns `evicts` where Redis may
 * forget a message before its time.
 */
const ADD = `
local info = redis.pcall('INFO', 'memory')
if type(info) == 'string' and string.find(info, 'maxmemory:[1-9]') and not string.find(info, 'maxmemory_policy:noeviction', 1, true) then
  return 'evicts'
end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0
`;

/** Options of {@link redisReplayStore}. */
export interface RedisReplayOptions {
  /** Beginning of the names in Redis, the same in all processes: a message is `<key>:<SHA-256 of its id>`. Required. */
  key: string;
  /**
   * `rediss://[user:password@]host[:port][/database]` of one Redis; `redis:` only to loopback, or with
   * `dangerouslyAllowPlaintext`. No message shows it. Default `redis://localhost:6379`.
   */
  url?: string | undefined;
  /**
   * The caller's client, connected: of `createClient`, `createClientPool`, `createCluster` or `createSentinel` of redis 4 to
   * 6; never closed here. Default: a client made from `url`, which must not be given together with `client`.
   */
  client?: object | undefined;
  /** Allows `redis:` to any host, where the network may make it forget. Default false. */
  dangerouslyAllowPlaintext?: boolean | undefined;
}

/**
 * Returns a store that remembers messages in Redis, so that none is accepted twice by all the processes that share it. What
 * Redis cannot remember is refused with its error: answer 503. A Redis with a `maxmemory` must have the policy `noeviction`,
 * as it would forget messages otherwise; one that was restarted or flushed has forgotten them. The user's ACL must allow
 * EVAL, SET, GET and INFO on `<key>:*`.
 *
 * Nothing is loaded before the first use, which loads `redis` (an optional peer dependency: install it beside goldkey) and
 * connects. A call takes at most 2 s with all its tries. The connection keeps no idle process alive.
 *
 * @param options - see {@link RedisReplayOptions}; copied
 * @returns the store, for `replay` of a verifier; its `add` rejects with a `GoldKeyError` when Redis fails
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: an option of a wrong type, name or range
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by any use: Redis fails, is full, or evicts
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by any use: user, password or ACL
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by any use: no answer within 2 s
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by any use: `redis` is not installed
 *
 * @example
 * ```ts
 * import { hmacVerifier } from 'goldkey/hmac';
 * import { redisReplayStore } from 'goldkey/hmac/redis';
 *
 * const replay = redisReplayStore({ key: 'orders', url: process.env.REDIS_URL });
 * const verifier = hmacVerifier(client, { replay });
 * ```
 */
export function redisReplayStore(options: RedisReplayOptions): ReplayStore {
  checkOptionNames('redisReplayStore', options, ['key', 'url', 'client', 'dangerouslyAllowPlaintext']);
  const key = checkString('key', options.key);
  const connection = createRedisConnection(checkPlace(options));
  return {
    async add(id, expiresAt) {
      const { createHash, randomUUID } = nodeCrypto();
      const keys = [`${key}:${createHash('sha256').update(id).digest('base64url')}`];
      // Counted by this process's clock: a server's that is ahead would end it at once.
      const ms = Math.ceil(Math.max(expiresAt - systemClock.now(), MIN_MS));
      const args = [randomUUID(), String(ms)];
      const answer = await connection.run((client) => client.eval(ADD, { keys, arguments: args }));
      if (String(answer) !== 'evicts') return Number(answer) === 1;
      const message = 'Redis may forget messages before their time; set its `maxmemory-policy` to `noeviction`.';
      throw new KeyProviderError(message, { provider: REDIS, retryable: false });
    },
  };
}
