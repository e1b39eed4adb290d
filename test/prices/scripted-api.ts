import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeyContext } from '../../src/core/index.js';

/** A recent moment, in seconds as most price APIs write it: older prices than a week are refused. */
export const RECENT: number = Math.floor(Date.now() / 1000) - 60;

/** What the next request is answered with. */
export interface Script {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** A price API on loopback that answers what the test says, and keeps the URLs it was asked. */
export async function scriptedApi(script: Script | ((request: IncomingMessage, response: ServerResponse) => void)) {
  const urls: string[] = [];
  const api = { script };
  const server = createServer((request, response) => {
    urls.push(request.url ?? '');
    if (typeof api.script === 'function') {
      api.script(request, response);
      return;
    }
    const { status = 200, headers = {}, body = '' } = api.script;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urls,
    baseUrl: `http://127.0.0.1:${String(port)}/api/`,
    answer(next: typeof script): void {
      api.script = next;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The part of a call's context that an adapter reads. */
export function contextOf(apiKey: string, signal: AbortSignal = new AbortController().signal): KeyContext {
  return { apiKey, signal } as unknown as KeyContext;
}

/** What `promise` rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}
