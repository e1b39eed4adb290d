import { conflict, KeyProviderError } from '../../../core/index.js';
import { checkLease } from '../lease.js';
import { REDIS } from './errors.js';
import { redisLink } from './connection.js';
import { redisNotices } from './subscription.js';
import { checkRedisOptions, type RedisRingOptions } from './options.js';
import { LEASE, RELEASE, WRITE } from './scripts.js';
import { FORMAT, parseRing } from '../../ring/document.js';
import { isSameWrite, serializeRing } from '../../ring/serialize.js';
import type { RingStore } from '../../ring/types.js';

/**
 * A key ring in Redis: its text under one key, written by a script that compares the revision, with notices by pub/sub and a
 * lease. What Redis keeps of it over a restart or a failover is a matter of its persistence and replication: a ring that
 * comes back older is noticed by its readers, which go on with the key they have.
 *
 * Nothing is loaded before the first use: `redis` (an optional peer, install it beside goldkey) and a connection come then.
 * A connection that is lost is made again when it is needed; a call takes at most 2 s, all tries included. Each
 * subscription has a connection of its own, made again by itself (after 100 ms, doubling to 5 s), and every connection
 * counts as a change. No connection holds an idle process. The user's ACL must allow GET and EVAL (with GET, SET, PUBLISH,
 * and for a lease HGET, HMGET, HSET, INCR, PEXPIRE, DEL) on the keys, and SUBSCRIBE on the channel.
 *
 * @param options - see {@link RedisRingOptions}; copied
 * @returns a ring store; its `close` ends every connection, the caller's client excepted, and it connects again when it is
 * used again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a `url` that is none, or that is not TLS and not on loopback
 * @throws {RingConflictError} `ERR_GOLDKEY_RING_CONFLICT`, by a write: the stored revision is another one
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by any use: user, password or ACL
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by any use, retryable: what is stored is no ring, Redis cannot be
 * reached, or it is starting, failing over or busy
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
  const { ring: ringKey, lease: leaseKey, fence: fenceKey, channel } = checked.names;
  const link = redisLink(checked);
  const subscriptions = new Set<() => void>();

  return {
    name: REDIS,
    async read({ signal } = {}) {
      const text = await link.run((client) => client.get(ringKey), signal);
      return text === null ? undefined : { ring: parseRing(String(text), REDIS) };
    },
    async write(ring, expected, { signal } = {}) {
      signal?.throwIfAborted();
      const text = serializeRing(ring, REDIS);
      const values = [String(expected.revision), text, ring.writeId, String(ring.revision), FORMAT, channel];
      const order = { keys: [ringKey], arguments: values };
      const [outcome, stored] = list(await link.run((client) => client.eval(WRITE, order), signal));
      if (outcome === 'written') return;
      const found = outcome === 'absent' ? undefined : parseRing(stored ?? '', REDIS);
      if (!isSameWrite(found, ring)) throw conflict(REDIS, expected.revision, found?.revision ?? 0);
    },
    async subscribe(onChange) {
      const stop = await redisNotices(link, channel, onChange);
      subscriptions.add(stop);
      return () => {
        subscriptions.delete(stop);
        stop();
        return Promise.resolve();
      };
    },
    async lease(holder, ttl) {
      checkLease(holder, ttl);
      const order = { keys: [leaseKey, fenceKey], arguments: [holder, String(ttl)] };
      const fence = await link.run((client) => client.eval(LEASE, order));
      if (fence === null) return undefined;
      return {
        fence: Number(fence),
        async release() {
          const last = { keys: [leaseKey], arguments: [holder, String(fence)] };
          await link.run((client) => client.eval(RELEASE, last));
        },
      };
    },
    close() {
      for (const stop of subscriptions) stop();
      subscriptions.clear();
      link.close();
      return Promise.resolve();
    },
  };
}

/** A script's answer. A caller's client may map texts to buffers. */
function list(answer: unknown): string[] {
  if (Array.isArray(answer)) return answer.map(String);
  throw new KeyProviderError('Redis answered a write with something that is no list.', { provider: REDIS });
}
