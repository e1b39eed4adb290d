import type { Dispatcher } from 'undici';
import { BodyTooLarge, Collector } from './bounded-body.js';
import { NodeHttp } from './node-http.js';
import type { Incoming, Outgoing } from './types.js';

const MAX_CONNECTIONS = 128;
// undici saves 30 us of work for a request on its own and 80 us for one among fifty, and takes 90 ms to load: a cold
// process should not wait for that before its first answer, and a Lambda or a script may never need it.
const REQUESTS_BEFORE_UNDICI = 500;
const CONCURRENT_BEFORE_UNDICI = 16;

/**
 * The connections to one origin: Node.js's own client first. Once there is enough traffic, undici is loaded in the
 * background and its `Pool` takes over; requests under way end on the client they began on.
 */
export class Origin {
  readonly #origin: string;
  #node: NodeHttp | undefined;
  #nodeRunning = 0;
  #sent = 0;
  #pool: Dispatcher | undefined;
  #loading = false;

  constructor(origin: string) {
    this.#origin = origin;
  }

  send(outgoing: Outgoing, limit: number): Promise<Incoming> {
    return this.#pool === undefined ? this.#sendViaNode(outgoing, limit) : sendViaUndici(this.#pool, outgoing, limit);
  }

  async #sendViaNode(outgoing: Outgoing, limit: number): Promise<Incoming> {
    this.#sent++;
    this.#nodeRunning++;
    if (this.#sent >= REQUESTS_BEFORE_UNDICI || this.#nodeRunning >= CONCURRENT_BEFORE_UNDICI) void this.#loadPool();
    try {
      this.#node ??= new NodeHttp(this.#origin, { maxSockets: MAX_CONNECTIONS });
      return await this.#node.send(outgoing, limit);
    } finally {
      this.#nodeRunning--;
      this.#closeNodeIfIdle();
    }
  }

  async #loadPool(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const { Pool } = await import('undici');
      this.#pool = new Pool(this.#origin, { connections: MAX_CONNECTIONS });
      this.#closeNodeIfIdle();
    } catch {
      // An application may be bundled without undici: Node.js's own client goes on.
    }
  }

  #closeNodeIfIdle(): void {
    if (this.#pool === undefined || this.#nodeRunning > 0) return;
    this.#node?.close();
    this.#node = undefined;
  }
}

/**
 * Sends one request with undici's `dispatch`: it takes a quarter less work than `request()`, which makes a stream of
 * every body. Follows no redirect. Rejects only when no whole response of at most `limit` bytes came.
 */
function sendViaUndici(dispatcher: Dispatcher, outgoing: Outgoing, limit: number): Promise<Incoming> {
  const { origin, path, method, headers, body, signal } = outgoing;
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    const collector = new Collector(limit);
    let controller: Dispatcher.DispatchController | undefined;
    let head = { status: 0, headers: {} };
    const onAbort = (): void => {
      controller?.abort(signal.reason as Error);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort);
    dispatcher.dispatch(
      { origin, path, method: method as Dispatcher.HttpMethod, headers, body: body ?? null },
      {
        onRequestStart(started) {
          controller = started;
          if (signal.aborted) started.abort(signal.reason as Error);
        },
        onResponseStart(started, status, responseHeaders) {
          head = { status, headers: responseHeaders };
          if (Number(responseHeaders['content-length']) > limit) started.abort(new BodyTooLarge());
        },
        onResponseData(started, chunk) {
          if (!collector.add(chunk)) started.abort(new BodyTooLarge());
        },
        onResponseEnd() {
          signal.removeEventListener('abort', onAbort);
          resolve({ ...head, text: collector.text() });
        },
        onResponseError(_, error) {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      },
    );
  });
}
