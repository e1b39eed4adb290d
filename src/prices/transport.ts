import type { Dispatcher } from 'undici';
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

/** The body is longer than `maxBodySize`; the rest of it was not read. */
export class BodyTooLarge extends Error {}

type Header = string | string[] | undefined;
type Body = AsyncIterable<Uint8Array> | null;

// The only file that loads undici, when the first request is made: it costs more to load than the AWS SDK, and per
// request a third of node:http.
const pools = new Map<string, Promise<Dispatcher>>();
const CONNECTIONS = 128;

/** The transport the options ask for. None of the three follows a redirect. */
export function transport({ baseUrl, maxBodySize, fetch, dispatcher }: CheckedPriceOptions): Send {
  const { origin } = baseUrl;
  if (fetch !== undefined) return (request) => viaFetch(fetch, origin, request, maxBodySize);
  if (dispatcher !== undefined) return (request) => viaRequest(dispatcher as Dispatcher, origin, request, maxBodySize);
  let pool: Dispatcher | undefined;
  return async (request) => viaDispatch((pool ??= await poolOf(origin)), origin, request, maxBodySize);
}

function poolOf(origin: string): Promise<Dispatcher> {
  let pool = pools.get(origin);
  if (pool === undefined) {
    pool = import('undici').then(({ Pool }) => new Pool(origin, { connections: CONNECTIONS }));
    pools.set(origin, pool);
  }
  return pool;
}

/** undici's lowest level: a quarter less work per request than `request()`, which makes a stream of every body. */
function viaDispatch(pool: Dispatcher, origin: string, request: Outgoing, limit: number): Promise<Answer> {
  const { path, headers, signal } = request;
  return new Promise((resolve, reject) => {
    const collected = new Collector(limit);
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let retryAfter: Header;
    const onAbort = (): void => {
      controller?.abort(signal.reason as Error);
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort);
    pool.dispatch(
      { origin, path, method: 'GET', headers },
      {
        onRequestStart(started) {
          controller = started;
          if (signal.aborted) started.abort(signal.reason as Error);
        },
        onResponseStart(started, statusCode, responseHeaders) {
          status = statusCode;
          retryAfter = responseHeaders['retry-after'];
          if (Number(responseHeaders['content-length']) > limit) started.abort(new BodyTooLarge());
        },
        onResponseData(started, chunk) {
          if (!collected.add(chunk)) started.abort(new BodyTooLarge());
        },
        onResponseEnd() {
          signal.removeEventListener('abort', onAbort);
          resolve({ status, retryAfter: first(retryAfter), text: collected.text() });
        },
        onResponseError(_, error) {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      },
    );
  });
}

/** A caller's own dispatcher may be of another undici, whose handlers differ; `request` is the same in all. */
async function viaRequest(target: Dispatcher, origin: string, request: Outgoing, limit: number): Promise<Answer> {
  const { path, headers, signal } = request;
  const response = await target.request({ origin, path, method: 'GET', headers, signal });
  return {
    status: response.statusCode,
    retryAfter: first(response.headers['retry-after']),
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

async function collect(body: Body, limit: number): Promise<string> {
  const collected = new Collector(limit);
  // Leaving the loop early destroys the body, and with it the connection.
  for await (const chunk of body ?? []) if (!collected.add(chunk)) throw new BodyTooLarge();
  return collected.text();
}

class Collector {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when the chunk is one too many. */
  add(chunk: Uint8Array): boolean {
    this.#size += chunk.byteLength;
    this.#chunks.push(chunk);
    return this.#size <= this.#limit;
  }

  text(): string {
    const [only] = this.#chunks;
    const whole = this.#chunks.length === 1 && Buffer.isBuffer(only) ? only : Buffer.concat(this.#chunks);
    return whole.toString('utf8');
  }
}

function first(header: Header): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
