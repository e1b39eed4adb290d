import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { hmacSigner, hmacVerifier, SignatureError } from '../../src/hmac/index.js';
import { manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { KEY, NEXT } from './scene.js';

const atServer = memoryKeyProvider({ current: KEY });
const verifier = hmacVerifier(new KeyedClient({ keyProvider: atServer }));
let server: Server;
let url: string;
const reasons: unknown[] = [];

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

beforeAll(async () => {
  server = createServer((request, response) => {
    void (async () => {
      const body = await readBody(request);
      try {
        const { method = '', headers } = request;
        const verified = await verifier.verify({ method, url: `${url}${request.url ?? ''}`, headers, body });
        if (request.url === '/moved') response.writeHead(307, { location: '/orders' });
        response.end(JSON.stringify({ ...verified, body: body.toString() }));
      } catch (error) {
        reasons.push(error instanceof SignatureError ? error.reason : error);
        response.writeHead(401).end();
      }
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
afterAll(() => void server.close());

describe('fetch of a signer', () => {
  it.each<[string, string, RequestInit | undefined, string]>([
    ['without a body', '/orders?limit=10', undefined, ''],
    ['with text', '/orders', { method: 'POST', body: '{"metal":"XAU"}' }, '{"metal":"XAU"}'],
    ['with bytes', '/orders', { method: 'PUT', body: Buffer.from('bytes') }, 'bytes'],
    ['with a form', '/', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) }, 'a=b+c'],
  ])('sends a request %s that the verifier of another process takes', async (_what, path, init, body) => {
    const { fetch } = hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) }));
    const response = await fetch(`${url}${path}`, init);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ version: 'v1', body });
  });

  it('takes a Request, and keeps its headers', async () => {
    const { fetch } = hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) }), {
      components: ['@method', '@authority', '@path', '@query', 'x-tenant'],
    });
    const response = await fetch(new Request(`${url}/orders`, { headers: { 'x-tenant': 'acme' } }));
    expect(await response.json()).toMatchObject({ components: expect.arrayContaining(['x-tenant']) as string[] });
  });

  it('signs anew with the current key when the old one is refused', async () => {
    const keys = memoryKeyProvider({ current: NEXT });
    const client = new KeyedClient({ keyProvider: keys });
    await client.prefetch();
    keys.set('current', KEY);
    reasons.length = 0;
    const response = await hmacSigner(client).fetch(`${url}/after`, { method: 'POST', body: 'again' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ body: 'again' });
    expect(client.status().counts.repairs).toBe(1);
    expect(reasons).toEqual(['mismatch']);
  });

  it('fails with a KeyRejectedError when no key of its store is taken', async () => {
    const { fetch } = hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: NEXT }) }));
    await expect(fetch(url)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
  });

  it('follows no redirect, where its signature would not hold: a 401 there would be taken for a refused key', async () => {
    const { fetch } = hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) }));
    const response = await fetch(`${url}/moved`);
    expect([response.status, response.headers.get('location')]).toEqual([307, '/orders']);
    await expect(fetch(`${url}/moved`, { redirect: 'error' })).rejects.toThrow('fetch failed');
  });

  it('ends when the caller aborts while a stream that is the body goes on', async () => {
    const { fetch } = hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) }));
    const [reason, controller] = [new Error('gone'), new AbortController()];
    const init = {
      method: 'POST',
      body: new ReadableStream(),
      duplex: 'half',
      signal: controller.signal,
    } as RequestInit;
    const sent = fetch(url, init);
    controller.abort(reason);
    await expect(sent).rejects.toBe(reason);
  });

  it('lets go of its connection when the time of the call is over', async () => {
    const clock = manualClock();
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }), clock, timeout: 3_000 });
    let arrived = (_request: IncomingMessage): void => undefined;
    const request = new Promise<IncomingMessage>((resolve) => (arrived = resolve));
    const slow = createServer((incoming) => arrived(incoming)).listen(0, '127.0.0.1');
    onTestFinished(() => void slow.close());
    await once(slow, 'listening');
    const sent = hmacSigner(client).fetch(`http://127.0.0.1:${String((slow.address() as AddressInfo).port)}/`);
    const failed = expect(sent).rejects.toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    const closed = once((await request).socket, 'close');
    await clock.advance(3_000);
    await failed;
    expect(await closed).toBeDefined();
  });

  it('ends when the caller aborts', async () => {
    const { fetch } = hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) }));
    const reason = new Error('gone');
    await expect(fetch(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
