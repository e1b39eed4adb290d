import {
  checkOptionNames,
  invalidRange,
  invalidType,
  isLoopback,
  describeType,
  checkOptionalString,
} from '../../../core/index.js';

/** Options of `redisRing`. */
export interface RedisRingOptions {
  /**
   * The ring's key. What is stored goes under `{key}:ring`, `{key}:lease` and `{key}:fence`, and notices through the
   * channel `{key}:changed`: one hash tag, so that in a cluster all of it lies in one slot. A hash tag in `key` is kept.
   */
  key: string;
  /**
   * `rediss://[user:password@]host[:port][/database]`; `redis:` only on loopback, or with `dangerouslyAllowPlaintext`.
   * Default: `redis://localhost:6379`. No message shows it.
   */
  url?: string | undefined;
  /**
   * The caller's client of `createClient`, connected: it keeps its own retries and reconnections and is never closed here;
   * the duplicate that listens for notices is. Not together with `url`.
   */
  client?: object | undefined;
  /** Allows `redis:` to another host: whoever is on the way can then read and change the ring. Default false. */
  dangerouslyAllowPlaintext?: boolean | undefined;
}

/** The options, checked. */
export interface CheckedRedisOptions {
  readonly names: RedisNames;
  readonly url: URL;
  readonly client: object | undefined;
}

/** Where in Redis a ring is. */
export interface RedisNames {
  readonly ring: string;
  readonly lease: string;
  readonly fence: string;
  readonly channel: string;
}

/** Holds the options to their types, and the address to TLS. */
export function checkRedisOptions(options: RedisRingOptions): CheckedRedisOptions {
  checkOptionNames('redisRing', options, ['key', 'url', 'client', 'dangerouslyAllowPlaintext']);
  const key = checkOptionalString('key', options.key);
  if (key === undefined) throw invalidType('`key` is required: the key of the ring in Redis.');
  const url = checkOptionalString('url', options.url);
  const { client, dangerouslyAllowPlaintext = false } = options;
  if (typeof dangerouslyAllowPlaintext !== 'boolean') {
    throw invalidType(
      `\`dangerouslyAllowPlaintext\` must be a boolean, got ${describeType(dangerouslyAllowPlaintext)}.`,
    );
  }
  if (client !== undefined && url !== undefined) {
    throw invalidType('`client` brings its own connection; give either it or `url`.');
  }
  if (client !== undefined) checkClient(client);
  return { names: redisNames(key), url: checkUrl(url ?? 'redis://localhost:6379', dangerouslyAllowPlaintext), client };
}

/** What Redis hashes of a key is the text in its first braces, if there is any. */
function redisNames(key: string): RedisNames {
  const tagged = /^[^{]*\{[^}]+\}/.test(key) ? key : `{${key}}`;
  // `{}…` is no tag: each name would then lie in a slot of its own.
  if (tagged.startsWith('{}')) throw invalidRange('`key` must not begin with `}`: it could have no hash tag.');
  return {
    ring: `${tagged}:ring`,
    lease: `${tagged}:lease`,
    fence: `${tagged}:fence`,
    channel: `${tagged}:changed`,
  };
}

// No message shows any part of an address: the password may be in any of them, when a `:` or `@` was forgotten.
function checkUrl(text: string, plaintextAllowed: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'rediss:' && url.protocol !== 'redis:') || url.hostname === '') {
    throw invalidRange('`url` must be `rediss://[user:password@]host[:port][/database]`.');
  }
  if (url.protocol === 'redis:' && !isLoopback(url.hostname) && !plaintextAllowed) {
    throw invalidRange(
      '`url` must be a `rediss:` address (TLS); `redis:` is for loopback, or with `dangerouslyAllowPlaintext`.',
    );
  }
  if (!/^\/?\d*$/.test(url.pathname)) throw invalidRange('`url` must have no path but the number of a database.');
  if (url.search !== '' || url.hash !== '') throw invalidRange('`url` must have no query and no fragment.');
  for (const part of [url.username, url.password]) {
    try {
      decodeURIComponent(part);
    } catch {
      throw invalidRange('`url` must have its user and password URL-encoded: a `%` is written `%25`.');
    }
  }
  return url;
}

function checkClient(client: unknown): void {
  const functions = ['eval', 'get', 'withAbortSignal', 'duplicate', 'on'] as const;
  const given = client as Partial<Record<(typeof functions)[number], unknown>> | null;
  if (functions.every((name) => typeof given?.[name] === 'function')) return;
  throw invalidType(`\`client\` must be a client made by \`createClient\` of redis 6, got ${describeType(client)}.`);
}
