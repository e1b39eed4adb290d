import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delay, systemClock } from '../../core/index.js';

/** A request whose body has been read to its end. */
export interface LoopbackRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** Lower-case names; a header that was sent twice has both values. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** A server on 127.0.0.1 that can be closed at any time. */
export interface LoopbackServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** Cuts every connection; the server goes on listening. */
  dropConnections(): void;
  /** Cuts every connection and stops listening, without waiting for a client. May be called again. */
  close(): Promise<void>;
}

type HeaderFields = Readonly<Record<string, string>>;

const MAX_BODY_BYTES = 1_048_576;

/**
 * Starts a server on loopback that passes each request to `answer`.
 *
 * @param port - 0 for a free one
 * @param answer - must end or destroy the response; if it rejects, the response is destroyed
 * @throws the system's error, e.g. with code `EADDRINUSE` if the port is taken
 */
export async function startLoopbackServer(
  port: number,
  answer: (request: LoopbackRequest, response: ServerResponse) => Promise<void>,
): Promise<LoopbackServer> {
  // An ESM import of node:http costs 30 ms, which users of the clock or the contract would pay too.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer((request, response) => {
    // Tests let clients leave while an answer is being written.
    response.on('error', () => undefined);
    readRequest(request)
      .then(async (received) => {
        await answer(received, response);
      })
      .catch(() => response.destroy());
  });
  // The default of 5 s could close a pooled connection under a client's next request.
  server.keepAliveTimeout = 120_000;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  let closed: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    dropConnections: () => {
      server.closeAllConnections();
    },
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

/** Sends a whole answer. */
export function send(response: ServerResponse, status: number, headers: HeaderFields, body: string): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.end(body);
}

/** Announces the whole body, sends half of it and cuts the connection. */
export function sendTruncated(response: ServerResponse, status: number, headers: HeaderFields, body: string): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.write(body.slice(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}

/** Resets the connection without an answer: the client sees `ECONNRESET`. */
export function resetConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** Waits `ms`, or until the client leaves. Returns whether it is still connected. */
export async function pause(response: ServerResponse, ms: number): Promise<boolean> {
  if (ms > 0 && !response.destroyed) {
    const leaving = new AbortController();
    response.once('close', () => {
      leaving.abort();
    });
    // The system's clock of the core rings under a test runner's fake timers too.
    await delay(systemClock, ms, leaving.signal).catch(() => undefined);
  }
  return !response.destroyed;
}

async function readRequest(request: IncomingMessage): Promise<LoopbackRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('The request body is over 1 MiB.');
    chunks.push(chunk);
  }
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers: request.headersDistinct,
    body: Buffer.concat(chunks),
  };
}
