import type { buildConnector, Dispatcher, Pool } from 'undici';
import { BodyTooLarge, Collector } from './bounded-body.js';
import { isConnectionLost, StaleConnection } from './stale-connection.js';
import type { Incoming, Outgoing } from './types.js';

/** A connection. */
interface Connection {
  /** The bytes that it has brought. */
  readonly bytesRead: number;
}

/** A request's options; `onClient` is told which connection it is on. */
type Dispatched = Dispatcher.DispatchOptions & { onClient(connection: Connection): void };

/** The error of a pool whose `dispatch` throws: nothing was sent. */
export class UnusablePool extends Error {}

/**
 * Loads undici; resolves to `undefined` where it is a stand-in. Without WebAssembly (`node --jitless`) it is not loaded: its
 * parser would end the process with a rejection that nobody can handle.
 *
 * @param name - a bundler follows no name that is a parameter: undici is four times as large as all the rest, and what is
 *   bundled, such as a Lambda, seldom has so many requests. The comments keep webpack and Vite from warning of that.
 */
export async function loadUndici(name: string = 'undici'): Promise<typeof import('undici') | undefined> {
  if (!('WebAssembly' in globalThis)) return undefined;
  const undici = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as typeof import('undici');
  // Bun has a module of this name whose classes do nothing.
  return typeof (undici.Pool.prototype as Partial<Pool>).dispatch === 'function' ? undici : undefined;
}

/** Returns a pool of connections to `origin`, or `undefined` where undici is missing or a stand-in. */
export async function openPool(origin: string, connections: number): Promise<Pool | undefined> {
  try {
    const undici = await loadUndici();
    if (undici === undefined) return undefined;
    return new undici.Pool(origin, {
      connections,
      factory(url, options) {
        let socket: { readonly bytesRead: number } | undefined;
        const open = (options as { connect: buildConnector.connector }).connect;
        const client = new undici.Client(url, {
          ...options,
          connect(target, done) {
            open(target, (...result) => {
              socket = result[1] ?? undefined;
              done(...result);
            });
          },
        });
        const dispatch = client.dispatch.bind(client);
        const connection: Connection = {
          get bytesRead() {
            return socket?.bytesRead ?? 0;
          },
        };
        client.dispatch = (dispatched, handler) => {
          (dispatched as Dispatched).onClient(connection);
          return dispatch(dispatched, handler);
        };
        return client;
      },
    });
  } catch {
    // An application may be bundled without undici.
    return undefined;
  }
}

/** What goes on after a request that a pool could not send. Not a function: that would be one more for each request. */
interface Recovery {
  /**
   * Is given a {@link StaleConnection} if the server had closed the connection before, an {@link UnusablePool} if there is no
   * working `dispatch`, and any error after which no whole response of at most `limit` bytes came.
   */
  recover(error: unknown, outgoing: Outgoing, limit: number): Promise<Incoming>;
}

/**
 * Sends one request with undici's `dispatch`: it takes a quarter less work than `request()`, which makes a stream of
 * every body. Follows no redirect. What fails is left to `recovery`, except that a request which is aborted is over.
 */
export function sendViaPool(
  pool: Dispatcher,
  outgoing: Outgoing,
  limit: number,
  recovery: Recovery,
): Promise<Incoming> {
  const { signal } = outgoing;
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    const exchange = new Exchange(outgoing, limit, recovery, resolve, reject);
    try {
      pool.dispatch(exchange, exchange);
    } catch {
      exchange.fail(new UnusablePool());
    }
  });
}

/** One request and its response: undici's options and handler in one object, because closures would take 1 us more. */
class Exchange implements Dispatched, Dispatcher.DispatchHandler {
  readonly origin: string;
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Outgoing['headers'];
  readonly body: string | null;
  readonly #outgoing: Outgoing;
  readonly #collector: Collector;
  /** Unset once the request has ended. */
  #recovery: Recovery | undefined;
  readonly #resolve: (answer: Incoming | Promise<Incoming>) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #onAbort: () => void;
  #connection: Connection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  /** The bytes that the connection had brought before. */
  #before = 0;
  #status = 0;
  #responseHeaders: Incoming['headers'] = {};
  readonly #limit: number;

  constructor(
    outgoing: Outgoing,
    limit: number,
    recovery: Recovery,
    resolve: (answer: Incoming | Promise<Incoming>) => void,
    reject: (reason: unknown) => void,
  ) {
    const { origin, path, method, headers, body = null, signal } = outgoing;
    this.origin = origin;
    this.path = path;
    this.method = method as Dispatcher.HttpMethod;
    this.headers = headers;
    this.body = body;
    this.#outgoing = outgoing;
    this.#recovery = recovery;
    this.#limit = limit;
    this.#collector = new Collector(limit);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAbort = () => {
      this.#controller?.abort(signal.reason as Error);
      reject(signal.reason);
    };
    signal.addEventListener('abort', this.#onAbort);
  }

  onClient(connection: Connection): void {
    this.#connection = connection;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#before = this.#connection?.bytesRead ?? 0;
    if (this.#outgoing.signal.aborted) controller.abort(this.#outgoing.signal.reason as Error);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Incoming['headers']): void {
    this.#status = status;
    this.#responseHeaders = headers;
    if (Number(headers['content-length']) > this.#limit) controller.abort(new BodyTooLarge());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#collector.add(chunk)) controller.abort(new BodyTooLarge());
  }

  onResponseEnd(): void {
    this.#end();
    this.#resolve({ status: this.#status, headers: this.#responseHeaders, text: this.#collector.text() });
    // The body may hold the key.
    this.#collector.wipe();
  }

  onResponseError(_: unknown, error: Error): void {
    this.#collector.wipe();
    const isStale = this.#before > 0 && this.#connection?.bytesRead === this.#before && isConnectionLost(error);
    this.fail(isStale ? new StaleConnection(error.message, { cause: error }) : error);
  }

  /** Leaves the request to the recovery, once; one that was aborted is over. */
  fail(error: unknown): void {
    const recovery = this.#recovery;
    this.#end();
    if (this.#outgoing.signal.aborted) this.#reject(error);
    else if (recovery !== undefined) this.#resolve(recovery.recover(error, this.#outgoing, this.#limit));
  }

  /** Lets go of the caller's signal. */
  #end(): void {
    this.#recovery = undefined;
    this.#outgoing.signal.removeEventListener('abort', this.#onAbort);
  }
}
