import { checkOptionNames, checkString, invalidRange } from '../../../core/index.js';
import { checkPlace, type RedisPlace } from '../../../redis/place.js';

/** Options of `redisRing`. */
export interface RedisRingOptions {
  /**
   * Key of the ring. The ring, its lease and its fencing number are stored as `{key}:ring`, `{key}:lease` and `{key}:fence`,
   * and notices use the channel `{key}:changed`: one hash tag, so that a cluster keeps all in one slot. A hash tag in `key`
   * is kept. Required.
   */
  key: string;
  /**
   * `rediss://[user:password@]host[:port][/database]` of one Redis; a cluster or a Sentinel needs `client`. `redis:` only
   * to loopback, or with `dangerouslyAllowPlaintext`. No message shows it. Default: `redis://localhost:6379`.
   */
  url?: string | undefined;
  /**
   * The caller's client, connected: of `createClient`, `createClientPool`, `createCluster` or `createSentinel` of redis 4
   * to 6. It keeps its retries and reconnections and is never closed here, unlike the duplicate of one of its connections
   * that subscribes. Default: a client made from `url`, which must not be given together with `client`.
   */
  client?: object | undefined;
  /** Allows `redis:` to any host, which lets the network read and change the ring. Default: false. */
  dangerouslyAllowPlaintext?: boolean | undefined;
}

/** The options, checked. */
export interface CheckedRedisOptions extends RedisPlace {
  /** The names in Redis that belong to the ring. */
  readonly names: Readonly<Record<'ring' | 'lease' | 'fence' | 'uses' | 'channel', string>>;
}

/** Checks the options, and that `url` is TLS or on loopback. */
export function checkRedisOptions(options: RedisRingOptions): CheckedRedisOptions {
  checkOptionNames('redisRing', options, ['key', 'url', 'client', 'dangerouslyAllowPlaintext']);
  const key = checkString('key', options.key);
  return { names: createNames(key), ...checkPlace(options) };
}

/** Returns the names. A cluster hashes the text in the first braces of a name, if there is any. */
function createNames(key: string): CheckedRedisOptions['names'] {
  const tagged = /^[^{]*\{[^}]+\}/.test(key) ? key : `{${key}}`;
  // `{}…` is not a hash tag: each name would be in another slot.
  if (tagged.startsWith('{}')) throw invalidRange('`key` must not begin with `}`, which allows no hash tag.');
  return {
    ring: `${tagged}:ring`,
    lease: `${tagged}:lease`,
    fence: `${tagged}:fence`,
    uses: `${tagged}:use`,
    channel: `${tagged}:changed`,
  };
}
