import {
  checkBoolean,
  checkOptionalString,
  checkOptionNames,
  checkString,
  invalidRange,
  invalidType,
  isLoopback,
  tryOrUndefined,
} from '../../../core/index.js';
import { checkClient, type GivenClient } from './given-client.js';

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
export interface CheckedRedisOptions {
  /** The names in Redis that belong to the ring. */
  readonly names: Readonly<Record<'ring' | 'lease' | 'fence' | 'uses' | 'channel', string>>;
  readonly url: URL;
  readonly client: GivenClient | undefined;
}

/** Checks the options, and that `url` is TLS or on loopback. */
export function checkRedisOptions(options: RedisRingOptions): CheckedRedisOptions {
  checkOptionNames('redisRing', options, ['key', 'url', 'client', 'dangerouslyAllowPlaintext']);
  const key = checkString('key', options.key);
  const url = checkOptionalString('url', options.url);
  const allowPlaintext = checkBoolean('dangerouslyAllowPlaintext', options.dangerouslyAllowPlaintext);
  if (options.client !== undefined && url !== undefined) {
    throw invalidType('`client` has its own connection; give either it or `url`.');
  }
  const client = options.client === undefined ? undefined : checkClient(options.client);
  return { names: createNames(key), url: checkUrl(url ?? 'redis://localhost:6379', allowPlaintext), client };
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

/** Returns the URL. No message shows a part of it: if a `:` or `@` is missing, the password may be in any part. */
function checkUrl(text: string, plaintextAllowed: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'rediss:' && url.protocol !== 'redis:') || url.hostname === '') {
    throw invalidRange('`url` must be `rediss://[user:password@]host[:port][/database]`.');
  }
  if (url.protocol === 'redis:' && !isLoopback(url.hostname) && !plaintextAllowed) {
    throw invalidRange(
      '`url` must be a `rediss:` address (TLS); `redis:` only to loopback, or with `dangerouslyAllowPlaintext`.',
    );
  }
  if (!/^\/?\d*$/.test(url.pathname))
    throw invalidRange('`url` must have no path other than the number of a database.');
  if (url.search !== '' || url.hash !== '') throw invalidRange('`url` must have no query and no fragment.');
  for (const part of [url.username, url.password]) {
    if (tryOrUndefined(() => decodeURIComponent(part)) === undefined) {
      throw invalidRange('`url` must have user and password URL-encoded, e.g. `%` as `%25`.');
    }
  }
  return url;
}
