import {
  addAbortListener,
  Cancellation,
  getCancellation,
  removeAbortListener,
  type KeyContext,
  type SecretMatcher,
} from '../../core/index.js';
import { readBody } from '../../http/bounded-body.js';
import { createAbortSignal, sendByDispatcher } from '../../http/dispatcher.js';
import { Origin } from '../../http/origin.js';
import type { Incoming, Outgoing } from '../../http/types.js';
import { createNetworkError } from './errors.js';
import type { CheckedPriceOptions } from './options.js';

/** A request without its origin. */
export interface PriceRequest {
  /** Relative to the base URL, with the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one GET request of a call. Rejects with a `PriceApiError`, or with the reason of the call's signal. */
type Get = (request: PriceRequest) => Promise<Incoming>;

const ACCEPT_JSON = { accept: 'application/json' };

/** The connections of each origin: adapters of one API share them, whatever their options. */
const origins = new Map<string, Origin>();

/** Creates the transport to the API `source` that the options ask for. None of the three follows a redirect. */
export function createTransport(
  source: string,
  options: CheckedPriceOptions,
): (context: KeyContext, key: SecretMatcher) => Get {
  const { origin, pathname } = options.baseUrl;
  const send = chooseSender(options);
  return (context, key) => {
    const signal = getCancellation(context) ?? context.signal;
    return async ({ path, headers }) => {
      const cancellation = signal instanceof Cancellation ? signal : new Cancellation();
      const request = {
        origin,
        path: `${pathname}${path}`,
        method: 'GET',
        headers: headers === undefined ? ACCEPT_JSON : { ...ACCEPT_JSON, ...headers },
        signal: cancellation,
      };
      signal.throwIfAborted();
      // Many requests may share a platform signal, so it gets one listener for all of them.
      if (!(signal instanceof Cancellation)) addAbortListener(signal, cancellation);
      try {
        return await send(request);
      } catch (error) {
        signal.throwIfAborted();
        throw createNetworkError(source, error, key);
      } finally {
        if (!(signal instanceof Cancellation)) removeAbortListener(signal, cancellation);
      }
    };
  };
}

function chooseSender(options: CheckedPriceOptions): (request: Outgoing) => Promise<Incoming> {
  const { fetch, maxBodySize } = options;
  const { origin } = options.baseUrl;
  if (fetch !== undefined) {
    return async ({ path, headers, signal }) => {
      const request = { method: 'GET', headers, signal: createAbortSignal(signal), redirect: 'manual' } as const;
      const response = await fetch(`${origin}${path}`, request);
      return {
        // A browser's fetch hides a redirect that it must not follow behind status 0.
        status: response.type === 'opaqueredirect' ? 302 : response.status,
        headers: { 'retry-after': response.headers.get('retry-after') ?? undefined },
        text: await readBody(response.body as AsyncIterable<Uint8Array> | null, maxBodySize),
      };
    };
  }
  const { dispatcher } = options;
  if (dispatcher !== undefined) return (request) => sendByDispatcher(dispatcher, request, maxBodySize);
  const shared = origins.get(origin) ?? new Origin(origin);
  origins.set(origin, shared);
  return (request) => shared.send(request, maxBodySize);
}
