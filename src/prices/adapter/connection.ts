import type { Dispatcher } from 'undici';
import {
  Cancellation,
  getCancellation,
  addAbortListener,
  removeAbortListener,
  type CancellationSignal,
  type AbortListener,
  type KeyContext,
} from '../../core/index.js';
import { collect, type Body } from '../../http/bounded-body.js';
import type { Incoming } from '../../http/types.js';
import { Origin } from '../../http/origin.js';
import type { CheckedPriceOptions } from './options.js';

/** The way to a price API, for the length of one call. */
export interface Connection {
  /** What ends the call, and with it the requests. */
  readonly signal: CancellationSignal;
  /** Sends one GET request; rejects only when no whole answer came. `path` has its query, and so maybe the key. */
  get(path: string, headers: Headers): Promise<Incoming>;
}

type Headers = Readonly<Record<string, string>>;

const origins = new Map<string, Origin>();

/** The transport the options ask for. None of the three follows a redirect. */
export function transport(options: CheckedPriceOptions): (context: KeyContext) => Connection {
  const { baseUrl, maxBodySize, fetch, dispatcher } = options;
  const { origin } = baseUrl;
  if (fetch !== undefined) {
    return ({ signal }) => ({
      signal,
      get: (path, headers) => viaFetch(fetch, `${origin}${path}`, { headers, signal }, maxBodySize),
    });
  }
  if (dispatcher !== undefined) {
    const target = dispatcher as Dispatcher;
    return ({ signal }) => ({
      signal,
      get(path, headers) {
        // Of another undici, which may look for a signal of the platform's own.
        const own = new AbortController();
        const request = { origin, path, method: 'GET', headers, signal: own.signal } as const;
        const end = (reason: unknown): void => {
          own.abort(reason);
        };
        return followed(signal, { end }, () => viaRequest(target, request, maxBodySize));
      },
    });
  }
  const shared = originOf(origin);
  return (context) => {
    const send = (path: string, headers: Headers, signal: CancellationSignal): Promise<Incoming> =>
      shared.send({ origin, path, method: 'GET', headers, signal }, maxBodySize);
    const ending = getCancellation(context);
    if (ending !== undefined) return { signal: ending, get: (path, headers) => send(path, headers, ending) };
    const { signal } = context;
    return {
      signal,
      get(path, headers) {
        const own = new Cancellation();
        return followed(signal, own, () => send(path, headers, own));
      },
    };
  };
}

/** Outside of a client many calls may share one signal, whose listeners Node.js counts. */
async function followed<T>(signal: AbortSignal, follower: AbortListener, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  addAbortListener(signal, follower);
  try {
    return await run();
  } finally {
    removeAbortListener(signal, follower);
  }
}

/** Adapters of one API, each with its own options, share its connections. */
function originOf(origin: string): Origin {
  let shared = origins.get(origin);
  if (shared === undefined) {
    shared = new Origin(origin);
    origins.set(origin, shared);
  }
  return shared;
}

/** A caller's own dispatcher may be of another undici, whose handlers differ; `request` is the same in all. */
async function viaRequest(target: Dispatcher, request: Dispatcher.RequestOptions, limit: number): Promise<Incoming> {
  const response = await target.request(request);
  return {
    status: response.statusCode,
    headers: response.headers,
    text: await collect(response.body, limit),
  };
}

async function viaFetch(
  fetch: typeof globalThis.fetch,
  url: string,
  options: { headers: Headers; signal: AbortSignal },
  limit: number,
): Promise<Incoming> {
  const response = await fetch(url, { method: 'GET', ...options, redirect: 'manual' });
  return {
    // A browser's fetch hides a redirect it was told not to follow behind status 0.
    status: response.type === 'opaqueredirect' ? 302 : response.status,
    headers: { 'retry-after': response.headers.get('retry-after') ?? undefined },
    text: await collect(response.body as Body, limit),
  };
}
