import {
  checkBoolean,
  checkOptionalString,
  invalidRange,
  invalidType,
  isLoopback,
  tryOrUndefined,
} from '../core/index.js';
import { checkClient, type GivenClient } from './given-client.js';

/** Where a Redis is. */
export interface RedisPlace {
  readonly url: URL;
  readonly client: GivenClient | undefined;
}

/** Checks the options that say where a Redis is, and that `url` is TLS or on loopback. */
export function checkPlace(options: {
  readonly url?: string | undefined;
  readonly client?: object | undefined;
  readonly dangerouslyAllowPlaintext?: boolean | undefined;
}): RedisPlace {
  const url = checkOptionalString('url', options.url);
  const allowPlaintext = checkBoolean('dangerouslyAllowPlaintext', options.dangerouslyAllowPlaintext);
  if (options.client !== undefined && url !== undefined) {
    throw invalidType('`client` has its own connection; give either it or `url`.');
  }
  const client = options.client === undefined ? undefined : checkClient(options.client);
  return { url: checkUrl(url ?? 'redis://localhost:6379', allowPlaintext), client };
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
