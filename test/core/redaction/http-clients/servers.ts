import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the server saw it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface TestServer {
  url: string;
  /** Every request so far. */
  seen: Seen[];
  close(): Promise<void>;
}

export type Answer = (request: Seen, response: ServerResponse, index: number) => void;

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req-1' });
  response.end(JSON.stringify(body));
};

/** By the first part of the path: what a price API does on a bad day. */
export const badDays: Answer = (request, response) => {
  const [, day = ''] = request.url.split(/[/?]/);
  if (day === '401' || day === '500') return json(response, Number(day), { error: 'no', retry: 7 });
  if (day === 'echo') return json(response, 401, { error: 'bad key', echo: request });
  if (day === 'redirect') {
    response.writeHead(302, { location: request.url.replace('/redirect', '/401') });
    return void response.end();
  }
  if (day === 'hang') return undefined;
  if (day === 'reset') return void response.socket?.destroy();
  if (day === 'cut') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    return void response.write('{"half":', () => response.socket?.destroy());
  }
  return json(response, 200, { price: 1 });
};

/** A server on loopback that answers as `answer` says and remembers what it was asked. */
export async function startServer(answer: Answer = badDays): Promise<TestServer> {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(seen.at(-1) as Seen, response, seen.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A loopback address at which nothing listens. */
export async function refusedUrl(): Promise<string> {
  const server = await startServer();
  await server.close();
  return server.url;
}

/** What `run` throws or rejects with. */
export async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('It was expected to fail.');
}
