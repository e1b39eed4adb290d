import type { Dispatcher } from 'undici';
import {
  addAbortListener,
  Cancellation,
  getCancellation,
  removeAbortListener,
  type CancellationSignal,
  type KeyContext,
} from '../../core/index.js';
import { readBody } from '../../http/bounded-body.js';
import { Origin } from '../../http/origin.js';
import type { Incoming } from '../../http/types.js';
import type { CheckedPriceOptions } from './options.js';

type Headers = Readonly<Record<string, string>>;

/** The way to a price API during one call. */
export interface Connection {
  /** Aborts when the call ends, and its requests with it. */
  readonly signal: CancellationSignal;
  /** Sends one GET request; rejects only when no whole response came. `path` has the query, which may hold the key. */
  get(path: string, headers: Headers): Promise<Incoming>;
}

/** The connections of each origin: adapters of one API share them, whatever their options. */
const origins = new Map<string, Origin>();

/** Creates the transport that the options ask for. None of the three follows a redirect. */
export function createTransport(options: CheckedPriceOptions): (context: KeyContext) => Connection {
  const { maxBodySize, fetch, dispatcher } = options;
  const { origin } = options.baseUrl;
  if (fetch !== undefined) {
    return ({ signal }) => ({
      signal,
      get: (path, headers) => sendViaFetch(fetch, `${origin}${path}`, { headers, signal }, maxBodySize),
    });
  }
  if (dispatcher !== undefined) {
    return ({ signal }) => ({
      signal,
      get: (path, headers) =>
        runUntilAbort(signal, async (cancellation) => {
          // Another version of undici may need a platform signal, and its handlers of `dispatch` differ.
          const ending = new AbortController();
          cancellation.addEventListener('abort', () => void ending.abort(cancellation.reason));
          const request = { origin, path, method: 'GET', headers, signal: ending.signal } as const;
          const response = await (dispatcher as Dispatcher).request(request);
          const text = await readBody(response.body, maxBodySize);
          return { status: response.statusCode, headers: response.headers, text };
        }),
    });
  }
  const shared = origins.get(origin) ?? new Origin(origin);
  origins.set(origin, shared);
  return (context) => {
    const send = (path: string, headers: Headers, signal: CancellationSignal): Promise<Incoming> =>
      shared.send({ origin, path, method: 'GET', headers, signal }, maxBodySize);
    const cancellation = getCancellation(context);
    if (cancellation !== undefined) {
      return { signal: cancellation, get: (path, headers) => send(path, headers, cancellation) };
    }
    const { signal } = context;
    return { signal, get: (path, headers) => runUntilAbort(signal, (own) => send(path, headers, own)) };
  };
}

/**
 * Runs a request until `signal` aborts. Many requests may share the signal, so it gets one listener for all of them.
 */
async function runUntilAbort<T>(signal: AbortSignal, send: (cancellation: Cancellation) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const cancellation = new Cancellation();
  addAbortListener(signal, cancellation);
  try {
    return await send(cancellation);
  } finally {
    removeAbortListener(signal, cancellation);
  }
}

async function sendViaFetch(
  fetch: typeof globalThis.fetch,
  url: string,
  options: { headers: Headers; signal: AbortSignal },
  limit: number,
): Promise<Incoming> {
  const response = await fetch(url, { method: 'GET', ...options, redirect: 'manual' });
  return {
    // A browser's fetch hides a redirect that it must not follow behind status 0.
    status: response.type === 'opaqueredirect' ? 302 : response.status,
    headers: { 'retry-after': response.headers.get('retry-after') ?? undefined },
    text: await readBody(response.body as AsyncIterable<Uint8Array> | null, limit),
  };
}
