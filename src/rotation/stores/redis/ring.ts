import { conflict, KeyProviderError } from '../../../core/index.js';
import { FORMAT, parseRing } from '../../ring/document.js';
import { isSameWrite, serializeRing } from '../../ring/serialize.js';
import { parseUse, REPORT_LIFE_MS } from '../../ring/report-use.js';
import type { RingStore } from '../../ring/types.js';
import { checkLease } from '../lease.js';
import { createRedisConnection } from '../../../redis/connection.js';
import { REDIS } from '../../../redis/errors.js';
import { checkRedisOptions, type RedisRingOptions } from './options.js';
import { LEASE, READ_USE, RELEASE, REPORT_USE, WRITE } from './scripts.js';
import { subscribeToChannel } from './subscription.js';

/**
 * Returns a ring store in Redis: the ring's text under one key, written by a script that compares the revision, with change
 * notices by pub/sub and a lease. How much of it survives a restart or a failover depends on Redis's persistence and
 * replication. Readers notice a ring that comes back older, and keep the key that they have.
 *
 * Nothing is loaded before the first use, which loads `redis` (an optional peer dependency: install it beside goldkey) and
 * connects. A lost connection is made again when it is needed; a call takes at most 2 s with all its tries, without the
 * time in which this process does not run. Each subscription has a separate connection, which is made again by itself
 * (after 100 ms, doubling to 5 s), and each connection counts as a change. No connection keeps an idle process alive. The
 * user's ACL must allow GET and EVAL (with GET, SET, PUBLISH, for a lease TIME, HGET, HSET, PEXPIRE, DEL, for use reports HSET,
 * HGETALL, HVALS, HDEL, PEXPIRE) on the keys, and SUBSCRIBE on the channel and PING. A cluster or a Sentinel is used through
 * `client`.
 *
 * @param options - see {@link RedisRingOptions}; copied
 * @returns the ring store; `close` ends every connection except the caller's client, and a later use connects again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has the wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: `url` is not valid, or neither TLS nor on loopback
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by any use: user, password or ACL
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by any use: the stored text is not a ring, or Redis cannot be reached,
 * is starting, failing over, full or busy; retryable, unless `url` names a Sentinel or a database that is not there
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by any use, retryable: no answer within 2 s
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by any use: `redis` is not installed
 *
 * @example
 * ```ts
 * import { redisRing } from 'goldkey/rotation/redis';
 *
 * const ring = redisRing({ key: 'gold', url: process.env.REDIS_URL });
 * console.log((await ring.read())?.ring.current);
 * await ring.close?.();
 * ```
 */
export function redisRing(options: RedisRingOptions): RingStore {
  const checked = checkRedisOptions(options);
  const { ring: ringKey, lease: leaseKey, fence: fenceKey, uses: usesKey, channel } = checked.names;
  const connection = createRedisConnection(checked);
  const subscriptions = new Set<() => void>();
  const runScript = (script: string, keys: string[], args: string[], signal?: AbortSignal): Promise<unknown> =>
    connection.run((client) => client.eval(script, { keys, arguments: args }), signal);

  return {
    name: REDIS,
    async read({ signal } = {}) {
      const text = await connection.run((client) => client.get(ringKey), signal);
      return text === null ? undefined : { ring: parseRing(String(text), REDIS) };
    },
    async write(ring, expected, { signal } = {}) {
      signal?.throwIfAborted();
      const text = serializeRing(ring, REDIS);
      const args = [String(expected.revision), text, ring.writeId, String(ring.revision), FORMAT, channel];
      const [outcome, stored] = readList(await runScript(WRITE, [ringKey], args, signal));
      if (outcome === 'written') return;
      const found = outcome === 'absent' ? undefined : parseRing(stored ?? '', REDIS);
      if (!isSameWrite(found, ring)) throw conflict(REDIS, expected.revision, found?.revision ?? 0);
    },
    async subscribe(onChange) {
      const end = await subscribeToChannel(connection, channel, onChange);
      subscriptions.add(end);
      return async () => {
        subscriptions.delete(end);
        end();
      };
    },
    async reportUse(report) {
      const args = [
        report.instance,
        JSON.stringify(report),
        String(report.at - REPORT_LIFE_MS),
        String(REPORT_LIFE_MS),
      ];
      await runScript(REPORT_USE, [usesKey], args);
    },
    async readUse({ signal } = {}) {
      const texts = readList(await runScript(READ_USE, [usesKey], [], signal));
      return texts.map(parseUse).filter((use) => use !== undefined);
    },
    async lease(holder, ttl) {
      checkLease(holder, ttl);
      const fence = await runScript(LEASE, [leaseKey, fenceKey], [holder, String(ttl)]);
      if (fence === null) return undefined;
      return {
        fence: Number(fence),
        async release() {
          await runScript(RELEASE, [leaseKey], [holder, String(fence)]);
        },
      };
    },
    async close() {
      for (const end of subscriptions) end();
      subscriptions.clear();
      connection.close();
    },
  };
}

/** Returns a script's answer as strings: a caller's client may map texts to buffers. */
function readList(answer: unknown): string[] {
  if (Array.isArray(answer)) return answer.map(String);
  throw new KeyProviderError('Redis answered with something other than a list.', { provider: REDIS });
}
