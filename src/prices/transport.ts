import type { Dispatcher } from 'undici';
import { collect, type Body } from '../transport/bounded-body.js';
import { firstOf } from '../transport/exchange.js';
import { Origin } from '../transport/origin.js';
import type { CheckedPriceOptions } from './options.js';

/** A request, ready to be sent. */
interface Outgoing {
  /** With its query, and so maybe with the key. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Sends one GET request; rejects only when no whole answer came. */
export type Send = (request: Outgoing) => Promise<Answer>;

const origins = new Map<string, Origin>();

/** The transport the options ask for. None of the three follows a redirect. */
export function transport({ baseUrl, maxBodySize, fetch, dispatcher }: CheckedPriceOptions): Send {
  const { origin } = baseUrl;
  if (fetch !== undefined) return (request) => viaFetch(fetch, origin, request, maxBodySize);
  if (dispatcher !== undefined) return (request) => viaRequest(dispatcher as Dispatcher, origin, request, maxBodySize);
  const shared = originOf(origin);
  return (request) => viaOrigin(shared, origin, request, maxBodySize);
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

async function viaOrigin(shared: Origin, origin: string, request: Outgoing, limit: number): Promise<Answer> {
  const { status, headers, text } = await shared.send({ origin, method: 'GET', ...request }, limit);
  return { status, retryAfter: firstOf(headers['retry-after']), text };
}

/** A caller's own dispatcher may be of another undici, whose handlers differ; `request` is the same in all. */
async function viaRequest(target: Dispatcher, origin: string, request: Outgoing, limit: number): Promise<Answer> {
  const { path, headers, signal } = request;
  const response = await target.request({ origin, path, method: 'GET', headers, signal });
  return {
    status: response.statusCode,
    retryAfter: firstOf(response.headers['retry-after']),
    text: await collect(response.body, limit),
  };
}

async function viaFetch(
  fetch: typeof globalThis.fetch,
  origin: string,
  { path, headers, signal }: Outgoing,
  limit: number,
): Promise<Answer> {
  const response = await fetch(`${origin}${path}`, { method: 'GET', headers, signal, redirect: 'manual' });
  return {
    // A browser's fetch hides a redirect it was told not to follow behind status 0.
    status: response.type === 'opaqueredirect' ? 302 : response.status,
    retryAfter: response.headers.get('retry-after') ?? undefined,
    text: await collect(response.body as Body, limit),
  };
}
