import type { Agent, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../core/index.js';
import { BodyTooLarge, Collector } from './bounded-body.js';
import type { Incoming, Outgoing } from './types.js';

/** How long a connection may be idle and be used again, in ms: as long as in undici. */
const MAX_IDLE = 4_000;

/** Options of {@link NodeHttp}. */
export interface NodeHttpOptions {
  /** The most connections at once. More requests wait their turn. */
  readonly maxSockets: number;
  /** Certificate authorities to trust instead of the system's, as PEM. */
  readonly ca?: string | undefined;
}

/** How long a new connection may take. */
export interface ConnectLimit {
  /** Milliseconds on `clock`. */
  readonly ms: number;
  readonly clock: Clock;
  /** What the exchange fails with when they have passed. */
  readonly late: () => Error;
}

/**
 * Node's own client to one origin, with connections kept alive in an agent of its own. Per request it costs three times
 * what undici does, but it is there at once, where undici takes 90 ms to load: this is the way to a first answer.
 * `process.getBuiltinModule`, because an ESM import of node:http costs 30 ms on Node 22 and 24.
 */
export class NodeHttp {
  readonly #origin: URL;
  readonly #node: typeof import('node:http') | typeof import('node:https');
  readonly #agent: Agent;
  readonly #freedAt = new WeakMap<Socket, number>();
  #closed = false;

  constructor(origin: string, { maxSockets, ca }: NodeHttpOptions) {
    this.#origin = new URL(origin);
    const secure = this.#origin.protocol === 'https:';
    this.#node = secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
    this.#agent = new this.#node.Agent({ keepAlive: true, maxSockets, ...(ca === undefined ? {} : { ca }) });
    this.#agent.on('free', (socket: Socket) => {
      // Nobody would end it after a request that was sent late.
      if (this.#closed) socket.destroy();
      else this.#freedAt.set(socket, Date.now());
    });
  }

  /** One exchange. No redirect is followed. Rejects only when no whole answer of at most `limit` bytes came. */
  send(outgoing: Outgoing & { connect?: ConnectLimit }, limit: number): Promise<Incoming> {
    this.#dropIdle();
    return this.#exchange(outgoing, limit);
  }

  /** Ends every connection, also one in use. */
  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  /** By the wall clock, which goes on while a Lambda is frozen: a server has hung up on such a connection meanwhile. */
  #dropIdle(): void {
    const now = Date.now();
    for (const socket of Object.values(this.#agent.freeSockets).flat()) {
      const idle = now - (this.#freedAt.get(socket as Socket) ?? 0);
      if (idle > MAX_IDLE || idle < 0) socket?.destroy();
    }
  }

  #exchange(outgoing: Outgoing & { connect?: ConnectLimit }, limit: number): Promise<Incoming> {
    const { path, method, headers, body, signal, onSent, connect } = outgoing;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const { protocol, hostname, port } = this.#origin;
      const request = this.#node.request({
        protocol,
        // An IPv6 address stands in brackets in a URL only.
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
        // A parser's error quotes what it could not read, which may be a key.
        delete error.rawPacket;
        fail(error);
      });
      let answered = false;
      request.on('close', () => {
        // An answer that switches protocols ends without any other event.
        if (!answered) fail(Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' }));
      });
      request.on('response', (response) => {
        answered = true;
        receive(response, limit, fail, (text) => {
          signal.removeEventListener('abort', onAbort);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      request.end(body);
    });
  }
}

function receive(
  response: IncomingMessage,
  limit: number,
  fail: (error: Error) => void,
  done: (text: string) => void,
): void {
  const collected = new Collector(limit);
  if (Number(response.headers['content-length']) > limit) {
    fail(new BodyTooLarge());
    return;
  }
  response.on('data', (chunk: Buffer) => {
    if (!collected.add(chunk)) fail(new BodyTooLarge());
  });
  // Cut off in the middle of the body.
  response.on('error', fail);
  response.on('end', () => {
    done(collected.text());
    // It may have been a key.
    collected.wipe();
  });
  // Or a part of one.
  response.on('close', () => {
    collected.wipe();
  });
}
