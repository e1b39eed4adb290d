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
import type { Incoming, Outgoing } from '../../http/types.js';
import type { CheckedPriceOptions } from './options.js';

/** The way to a price API during one call. */
export interface Connection {
  /** Aborts when the call ends, and its requests with it. */
  readonly signal: CancellationSignal;
  /** Sends one GET request; rejects only when no whole response came. `path` has the query, which may hold the key. */
  get(path: string, headers: Outgoing['headers']): Promise<Incoming>;
}

/** The connections of each origin: adapters of one API share them, whatever their options. */
const origins = new Map<string, Origin>();

/** Creates the transport that the options ask for. None of the three follows a redirect. */
export function createTransport(options: CheckedPriceOptions): (context: KeyContext) => Connection {
  const { origin } = options.baseUrl;
  const send = chooseSender(options, origin);
  return (context) => {
    const signal = getCancellation(context) ?? context.signal;
    return {
      signal,
      get: (path, headers) =>
        runUntilAbort(signal, (cancellation) =>
          send({ origin, path, method: 'GET', headers, signal: cancellation }, options.maxBodySize),
        ),
    };
  };
}

function chooseSender({ fetch, dispatcher }: CheckedPriceOptions, origin: string): Origin['send'] {
  if (fetch !== undefined) return (request, limit) => sendViaFetch(fetch, request, limit);
  if (dispatcher !== undefined) {
    return (request, limit) => sendViaDispatcher(dispatcher as Dispatcher, request, limit);
  }
  const shared = origins.get(origin) ?? new Origin(origin);
  origins.set(origin, shared);
  return (request, limit) => shared.send(request, limit);
}

/**
 * Runs a request until `signal` aborts. Many requests may share a platform signal, so it gets one listener for all of
 * them.
 */
async function runUntilAbort<T>(
  signal: Cancellation | AbortSignal,
  send: (cancellation: CancellationSignal) => Promise<T>,
): Promise<T> {
  if (signal instanceof Cancellation) return send(signal);
  signal.throwIfAborted();
  const cancellation = new Cancellation();
  addAbortListener(signal, cancellation);
  try {
    return await send(cancellation);
  } finally {
    removeAbortListener(signal, cancellation);
  }
}

async function sendViaDispatcher(
  dispatcher: Dispatcher,
  { origin, path, headers, signal }: Outgoing,
  limit: number,
): Promise<Incoming> {
  // Another version of undici may differ in its handlers of `dispatch`.
  const request = { origin, path, method: 'GET', headers, signal: createAbortSignal(signal) } as const;
  const response = await dispatcher.request(request);
  const text = await readBody(response.body, limit);
  return { status: response.statusCode, headers: response.headers, text };
}

async function sendViaFetch(
  fetch: typeof globalThis.fetch,
  { origin, path, headers, signal }: Outgoing,
  limit: number,
): Promise<Incoming> {
  const request = { method: 'GET', headers, signal: createAbortSignal(signal), redirect: 'manual' } as const;
  const response = await fetch(`${origin}${path}`, request);
  return {
    // A browser's fetch hides a redirect that it must not follow behind status 0.
    status: response.type === 'opaqueredirect' ? 302 : response.status,
    headers: { 'retry-after': response.headers.get('retry-after') ?? undefined },
    text: await readBody(response.body as AsyncIterable<Uint8Array> | null, limit),
  };
}

/** Creates a platform signal, for code that is not goldkey's. */
function createAbortSignal(cancellation: CancellationSignal): AbortSignal {
  const ending = new AbortController();
  const abort = (): void => void ending.abort(cancellation.reason);
  if (cancellation.aborted) abort();
  else cancellation.addEventListener('abort', abort);
  return ending.signal;
}
