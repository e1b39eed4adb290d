import type { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../core/index.js';
import { BodyTooLarge, Collector } from './bounded-body.js';
import type { Incoming, Outgoing } from './types.js';

/** The longest time a connection may be idle and be used again, in ms: the same as undici's. */
const MAX_IDLE_MS = 4_000;
/** The most connections of {@link acquireHttp} to one origin. */
const MAX_SHARED = 50;
const shared = new Map<string, { readonly http: NodeHttp; users: number }>();

/** Settings of a request of {@link NodeHttp}. */
interface Extras {
  /** The longest time in ms, on `clock`, that a new connection may take; `late` creates the error of a longer one. */
  readonly connect?: { readonly ms: number; readonly clock: Clock; readonly late: () => Error };
  /** Called when the connection is made: the server has not seen a request that fails without this call. */
  readonly onSent?: () => void;
}

/**
 * Node.js's own HTTP client for one origin, which keeps its connections alive. A request takes three times undici's
 * work, but undici takes 90 ms to load, so this client is used for the first requests. `process.getBuiltinModule`,
 * because an ESM import of node:http costs 30 ms on Node.js 22 and 24.
 */
export class NodeHttp {
  readonly #origin: URL;
  readonly #node: typeof import('node:http') | typeof import('node:https');
  readonly #agent: Agent;
  readonly #freedAt = new WeakMap<Socket, number>();
  #closed = false;

  /**
   * Creates a client with at most `maxSockets` connections at once; more requests wait their turn. `ca` holds the
   * certificate authorities to trust instead of the system's, as PEM.
   */
  constructor(origin: string, { maxSockets, ca }: { maxSockets: number; ca?: string | undefined }) {
    this.#origin = new URL(origin);
    const secure = this.#origin.protocol === 'https:';
    this.#node = secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
    this.#agent = new this.#node.Agent({ keepAlive: true, maxSockets, ...(ca === undefined ? {} : { ca }) });
    this.#agent.on('free', (socket: Socket) => {
      // A request sent after `close()` frees a socket that the agent would keep open.
      if (this.#closed) socket.destroy();
      else this.#freedAt.set(socket, Date.now());
    });
  }

  /** Sends one request. Follows no redirect. Rejects only when no whole response of at most `limit` bytes came. */
  send(outgoing: Outgoing & Extras, limit: number): Promise<Incoming> {
    this.#destroyIdle();
    const { path, method, headers, body, signal, onSent, connect } = outgoing;
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const { protocol, hostname, port } = this.#origin;
      const request = this.#node.request({
        protocol,
        // Only a URL has brackets around an IPv6 address.
        hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
        port,
        path,
        method,
        headers: body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        agent: this.#agent,
      });
      let connecting: { cancel(): void } | undefined;
      const onAbort = (): void => {
        fail(signal.reason as Error);
      };
      const fail = (error: Error): void => {
        connecting?.cancel();
        signal.removeEventListener('abort', onAbort);
        reject(error);
        request.destroy();
      };
      signal.addEventListener('abort', onAbort);
      request.on('socket', (socket) => {
        if (!socket.connecting) {
          onSent?.();
          return;
        }
        const timer = connect?.clock.setTimeout(() => {
          fail(connect.late());
        }, connect.ms);
        connecting = timer;
        socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          timer?.cancel();
          onSent?.();
        });
      });
      request.on('error', (error: Error & { rawPacket?: unknown }) => {
        // A parser's error quotes the bytes it could not read, which may hold a key.
        delete error.rawPacket;
        fail(error);
      });
      let answered = false;
      request.on('close', () => {
        // A response that switches protocols ends without any other event.
        if (!answered) fail(Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' }));
      });
      request.on('response', (response) => {
        answered = true;
        const { statusCode: status = 0, headers: received } = response;
        if (Number(received['content-length']) > limit) {
          fail(new BodyTooLarge());
          return;
        }
        const collector = new Collector(limit);
        response.on('data', (chunk: Buffer) => {
          if (!collector.add(chunk)) fail(new BodyTooLarge());
        });
        // Emitted when the connection is lost in the middle of the body.
        response.on('error', fail);
        response.on('end', () => {
          signal.removeEventListener('abort', onAbort);
          resolve({ status, headers: received, text: collector.text() });
        });
        // The body may be a key, or hold one. Emitted after `end` as well.
        response.on('close', () => {
          collector.wipe();
        });
      });
      request.end(body);
    });
  }

  /** Ends every connection, also those in use. */
  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  /** Ends idle connections, by the wall clock: it goes on while a Lambda is frozen and the server closes its side. */
  #destroyIdle(): void {
    const now = Date.now();
    for (const socket of Object.values(this.#agent.freeSockets).flat()) {
      const idle = now - (this.#freedAt.get(socket as Socket) ?? 0);
      if (idle > MAX_IDLE_MS || idle < 0) socket?.destroy();
    }
  }
}

/** Returns the connections to one origin that all its users share. They end with the last user's `release`. */
export function acquireHttp(origin: string): { readonly http: NodeHttp; release(): void } {
  const entry = shared.get(origin) ?? { http: new NodeHttp(origin, { maxSockets: MAX_SHARED }), users: 0 };
  shared.set(origin, entry);
  entry.users++;
  return {
    http: entry.http,
    release() {
      if (--entry.users > 0) return;
      shared.delete(origin);
      entry.http.close();
    },
  };
}
