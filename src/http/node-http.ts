import type { Agent, AgentOptions, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/index.js';
import { BodyTooLarge, Collector } from './bounded-body.js';
import { isConnectionLost, isRepeatable } from './stale-connection.js';
import type { Incoming, Outgoing } from './types.js';

/** The longest time a connection may be idle and be used again, in ms: the same as undici's. */
const MAX_IDLE_MS = 4_000;
/** The most connections of {@link acquireHttp} to one origin. */
const MAX_SHARED = 50;
const shared = new Map<string, { readonly http: NodeHttp; users: number }>();

/** Two methods of an agent. Node.js documents only the second, but agents of other packages replace both. */
interface AgentMethods {
  /** Gives a request its connection. */
  addRequest(this: Agent, request: ClientRequest, options: Record<string, unknown>): void;
  createConnection(this: Agent, options: object): Duplex;
}

/** Settings of a {@link NodeHttp}. */
interface HttpSettings {
  /** The most connections at once; more requests wait their turn. */
  readonly maxSockets?: number;
  /** An agent in place of connections of its own. */
  readonly agent?: Agent | undefined;
  /** Certificate authorities to trust instead of the system's, as PEM. */
  readonly ca?: string;
  /** A client's certificate and its key, as PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** Settings of a request of {@link NodeHttp}. */
interface Extras {
  /** The longest time in ms, on `clock`, that a new connection may take; `late` creates the error of a longer one. */
  readonly connect?: { readonly ms: number; readonly clock: Clock; readonly late: () => Error };
  /** Called when the connection is made: the server has not seen a request that fails without this call. */
  readonly onSent?: () => void;
  /** The name of a JSON string of the answer that is handed over as bytes, which the caller zeroes. */
  readonly secretField?: string | undefined;
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
  /** Makes a connection for each request. */
  readonly #singleUse: Agent;
  readonly #freedAt = new WeakMap<Socket, number>();
  #closed = false;

  /** Whether the agent is the caller's, who alone closes it. */
  readonly #isOwned: boolean;

  /** Creates a client. See {@link HttpSettings}. */
  constructor(origin: string, { maxSockets, agent, ...tls }: HttpSettings) {
    this.#origin = new URL(origin);
    const secure = this.#origin.protocol === 'https:';
    this.#node = secure ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
    const options = { maxSockets, ...tls };
    this.#isOwned = agent === undefined;
    this.#agent = agent ?? createAgent(this.#node.Agent, { ...options, keepAlive: true });
    this.#singleUse = agent ?? createAgent(this.#node.Agent, options);
    if (!this.#isOwned) return;
    this.#agent.on('free', (socket: Socket) => {
      // A request sent after `close()` frees a socket that the agent would keep open.
      if (this.#closed) socket.destroy();
      else this.#freedAt.set(socket, Date.now());
    });
  }

  /**
   * Sends one request; a repeatable one twice if it met a kept connection that the server had closed. Follows no
   * redirect. Rejects only when no whole response of at most `limit` bytes came.
   */
  send(outgoing: Outgoing & Extras, limit: number): Promise<Incoming> {
    this.#destroyIdle();
    return this.#exchange(outgoing, limit, this.#agent);
  }

  /** Sends one request on a connection of its own. */
  sendOnNewConnection(outgoing: Outgoing, limit: number): Promise<Incoming> {
    return this.#exchange(outgoing, limit, this.#singleUse);
  }

  #exchange(outgoing: Outgoing & Extras, limit: number, agent: Agent): Promise<Incoming> {
    const { path, method, headers, body, signal, onSent, connect, secretField } = outgoing;
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
        agent,
      });
      let isSilent = (): boolean => false;
      let connecting: { cancel(): void } | undefined;
      const onAbort = (): void => {
        fail(signal.reason as Error);
      };
      let isOver = false;
      const fail = (error: Error): void => {
        isOver = true;
        connecting?.cancel();
        signal.removeEventListener('abort', onAbort);
        reject(error);
        request.destroy();
      };
      const onError = (error: Error): void => {
        const isStale = request.reusedSocket && isSilent() && isConnectionLost(error);
        if (isStale && isRepeatable(method) && !isOver && !signal.aborted) {
          // The error of the first exchange then counts for nothing.
          resolve(this.sendOnNewConnection(outgoing, limit));
        }
        fail(error);
      };
      signal.addEventListener('abort', onAbort);
      request.on('socket', (socket) => {
        const { bytesRead } = socket;
        // After Node.js's own listener, whose parser copies the body out of what was read.
        socket.on('data', wipe);
        request.once('close', () => socket.off('data', wipe));
        isSilent = () => socket.bytesRead === bytesRead;
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
        onError(error);
      });
      let answered = false;
      request.on('close', () => {
        // A response that switches protocols ends without any other event.
        if (!answered) onError(Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' }));
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
          resolve({ status, headers: received, ...collector.take(secretField) });
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
    if (!this.#isOwned) return;
    this.#agent.destroy();
    this.#singleUse.destroy();
  }

  /** Ends idle connections, by the wall clock: it goes on while a Lambda is frozen and the server closes its side. */
  #destroyIdle(): void {
    if (!this.#isOwned) return;
    const now = Date.now();
    for (const socket of Object.values(this.#agent.freeSockets).flat()) {
      const idle = now - (this.#freedAt.get(socket as Socket) ?? 0);
      if (idle > MAX_IDLE_MS || idle < 0) socket?.destroy();
    }
  }
}

function wipe(chunk: Buffer): void {
  chunk.fill(0);
}

/**
 * Creates an agent whose connections know nothing of their first request: Node.js keeps its options, and from version 22
 * on the request itself, as long as the connection lives, and the path or a header may hold a key.
 */
function createAgent(Maker: new (options: AgentOptions) => Agent, options: AgentOptions): Agent {
  const agent = new Maker(options) as Agent & AgentMethods;
  // Looked up each time: a mocking library may have replaced them.
  const original = (): AgentMethods => Object.getPrototypeOf(agent) as AgentMethods;
  agent.addRequest = (request, { path: _path, headers: _headers, ...others }) => {
    original().addRequest.call(agent, request, others);
  };
  // The second argument is a callback, which refers to the request. Only a proxy's tunnel needs it.
  agent.createConnection = (others) => original().createConnection.call(agent, others);
  return agent;
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
