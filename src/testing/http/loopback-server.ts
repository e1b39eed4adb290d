import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the fakes see it: read to its end, the key still only in it. */
export interface LoopbackRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** Lower-case names; a header sent twice keeps both values. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** A server on 127.0.0.1 that can be closed at any time. */
export interface LoopbackServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** Cuts every connection; the server goes on listening. */
  dropConnections(): void;
  /** Cuts every connection and stops listening. Never waits for a client; a second call is the same as the first. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 1_048_576;

/**
 * Starts a server on loopback that hands each request, read to its end, to `answer`.
 *
 * @param port - 0 for a free one
 * @param answer - must end or destroy the response; a rejection destroys it
 * @throws the system's error, e.g. with code `EADDRINUSE`, when the port is taken
 */
export async function startLoopbackServer(
  port: number,
  answer: (request: LoopbackRequest, response: ServerResponse) => Promise<void>,
): Promise<LoopbackServer> {
  // Not imported: as an ESM import node:http costs 30 ms, which every user of the clock or the contract would pay.
  const { createServer } = process.getBuiltinModule('node:http');
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    // A client that leaves in the middle is what half of these tests are about.
    response.on('error', () => undefined);
    receive(request)
      .then(async (received) => {
        await answer(received, response);
      })
      .catch(() => response.destroy());
  });
  // A pooled connection closed by the server under a client's next request would be a fault nobody injected.
  server.keepAliveTimeout = 120_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  let closed: Promise<void> | undefined;
  return {
    url,
    dropConnections,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        dropConnections();
      });
      return closed;
    },
  };
}

/** Sends a whole answer. */
export function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.end(body);
}

/** Announces the whole body, sends half of it and cuts the connection. */
export function sendTruncated(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.write(body.slice(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}

/** Resets the connection without an answer: the client sees `ECONNRESET`. */
export function resetConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** Resolves after `ms`, or when the client has left; true while it is still there. */
export function pause(response: ServerResponse, ms: number): Promise<boolean> {
  if (ms === 0 || response.destroyed) return Promise.resolve(!response.destroyed);
  return new Promise((resolve) => {
    const leave = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      response.off('close', leave);
      resolve(true);
    }, ms);
    response.once('close', leave);
  });
}

async function receive(request: IncomingMessage): Promise<LoopbackRequest> {
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
