import type { ServerResponse } from 'node:http';
import type { PriceReply } from './types.js';

/** The page a load balancer shows when nothing is behind it. */
export const UNAVAILABLE_PAGE =
  '<!DOCTYPE html><html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>';

const CHUNK = 'x'.repeat(65_536);
const CHUNKS = 168;

/**
 * Streams the reply padded to 11 MB, no faster than the client reads. It is valid JSON with the right prices: only a
 * client that bounds what it reads will refuse it.
 */
export async function sendHuge(response: ServerResponse, { status, body }: PriceReply): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.write(`${JSON.stringify(body).slice(0, -1)},"padding":"`);
  for (let sent = 0; sent < CHUNKS && !response.destroyed; sent++) {
    if (!response.write(CHUNK)) await drained(response);
  }
  response.end('"}');
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
