import http, { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BodyTooLarge } from '../../src/http/bounded-body.js';
import type { Outgoing } from '../../src/http/types.js';
import { NodeHttp } from '../../src/http/node-http.js';
import { Origin } from '../../src/http/origin.js';
import { failure } from '../providers/loading.js';

const servers: Server[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serving(listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

const get = (origin: string, more: Partial<Outgoing> = {}): Outgoing => ({
  origin,
  path: '/price?x=1',
  method: 'GET',
  headers: { accept: 'application/json' },
  signal: new AbortController().signal,
  ...more,
});

/** Both ways to an origin: before undici is loaded, and after. */
const ways = {
  'Node’s own client': (origin: string) => Promise.resolve(new Origin(origin)),
  'the pool of undici': async (origin: string) => {
    const target = new Origin(origin);
    const asked = vi.spyOn(http, 'request');
    await Promise.all(Array.from({ length: 16 }, () => target.send(get(origin, { path: '/warm' }), 1_000)));
    await expect
      .poll(async () => {
        asked.mockClear();
        await target.send(get(origin, { path: '/warm' }), 1_000);
        return asked.mock.calls.length;
      })
      .toBe(0);
    return target;
  },
};

/** Answers the requests that warm up; the others are the test's. */
const unless =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (request.url === '/warm') response.end('warm');
    else listener(request, response);
  };

describe.each(Object.entries(ways))('an origin asked through %s', (_, reach) => {
  it('gets status, headers and body, and sends path, headers and body', async () => {
    const seen: unknown[] = [];
    const origin = await serving(
      unless((request, response) => {
        let body = '';
        request.on('data', (chunk) => (body += String(chunk)));
        request.on('end', () => {
          const { method, url, headers } = request;
          seen.push([method, url, headers.accept, headers['content-length'], body]);
          response.writeHead(418, { 'retry-after': '7' }).end('tea €');
        });
      }),
    );
    const target = await reach(origin);

    const answer = await target.send(get(origin, { method: 'POST', body: 'one €' }), 1_000);

    expect(answer).toMatchObject({ status: 418, text: 'tea €', headers: { 'retry-after': '7' } });
    expect(seen).toEqual([['POST', '/price?x=1', 'application/json', '7', 'one €']]);
  });

  it('keeps its connections', async () => {
    const sockets = new Set<Socket>();
    const origin = await serving(
      unless((request, response) => {
        sockets.add(request.socket);
        response.end('{}');
      }),
    );
    const target = await reach(origin);

    for (let count = 0; count < 5; count++) await target.send(get(origin), 1_000);

    expect(sockets.size).toBeLessThan(5);
  });

  it.each([true, false])('reads no more than the limit (length stated: %s)', async (stated) => {
    const origin = await serving(
      unless((_request, response) => {
        response.writeHead(200, stated ? { 'content-length': '2000' } : {});
        response.end('x'.repeat(2_000));
      }),
    );
    const target = await reach(origin);

    expect(await failure(target.send(get(origin), 1_999))).toBeInstanceOf(BodyTooLarge);
    expect((await target.send(get(origin), 2_000)).text).toHaveLength(2_000);
  });

  it('rejects with the reason of a signal, before the request and during it', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    let requests = 0;
    const origin = await serving(
      unless(() => {
        requests++;
        controller.abort(reason);
      }),
    );
    const target = await reach(origin);

    expect(await failure(target.send(get(origin, { signal: AbortSignal.abort(reason) }), 9))).toBe(reason);
    expect(requests).toBe(0);
    expect(await failure(target.send(get(origin, { signal: controller.signal }), 9))).toBe(reason);
  });

  it('an answer that breaks off is an error', async () => {
    const origin = await serving(
      unless((_request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.destroy());
      }),
    );
    const target = await reach(origin);

    expect(await failure(target.send(get(origin), 1_000))).toBeInstanceOf(Error);
  });
});

describe('from Node’s own client to undici', () => {
  it('a few requests one after the other do not load it', async () => {
    const origin = await serving((_, response) => response.end('{}'));
    const asked = vi.spyOn(http, 'request');
    const target = new Origin(origin);

    for (let count = 0; count < 40; count++) await target.send(get(origin), 1_000);

    expect(asked).toHaveBeenCalledTimes(40);
  });

  it('many one after the other do', async () => {
    const origin = await serving((_, response) => response.end('{}'));
    const asked = vi.spyOn(http, 'request');
    const target = new Origin(origin);

    for (let count = 0; count < 700; count++) await target.send(get(origin), 1_000);

    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(500);
    expect(asked.mock.calls.length).toBeLessThan(700);
  });

  it('what is under way ends where it began', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const origin = await serving((request, response) => {
      if (request.url === '/slow') void held.then(() => response.end('at last'));
      else response.end('{}');
    });
    const target = new Origin(origin);
    const slow = target.send(get(origin, { path: '/slow' }), 1_000);
    const asked = vi.spyOn(http, 'request');
    await Promise.all(Array.from({ length: 16 }, () => target.send(get(origin), 1_000)));
    await expect
      .poll(async () => {
        asked.mockClear();
        await target.send(get(origin), 1_000);
        return asked.mock.calls.length;
      })
      .toBe(0);

    release();

    expect((await slow).text).toBe('at last');
  });
});

describe('a kept connection', () => {
  it.each([
    ['that was idle for four seconds is used again', 4_000, 1],
    ['that was idle for longer, as in a frozen Lambda, is replaced', 4_001, 2],
    ['from before the clock was set back is replaced', -1, 2],
  ])('%s', async (_, idle, connections) => {
    const sockets = new Set<Socket>();
    const origin = await serving((request, response) => {
      sockets.add(request.socket);
      response.end('{}');
    });
    const target = new NodeHttp(origin, { maxSockets: 4 });
    const now = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
    await target.send(get(origin), 1_000);
    // The connection is handed back after the answer.
    await new Promise((resolve) => void setImmediate(resolve));

    now.mockReturnValue(1_000_000 + idle);
    await target.send(get(origin), 1_000);

    expect(sockets.size).toBe(connections);
    target.close();
  });

  it('that the server resets is an error: what may have been seen is not sent again', async () => {
    let requests = 0;
    const origin = await serving((request, response) => {
      if (requests++ === 0) response.end('{}');
      else request.socket.resetAndDestroy();
    });
    const target = new NodeHttp(origin, { maxSockets: 4 });
    await target.send(get(origin), 1_000);

    expect(await failure(target.send(get(origin), 1_000))).toMatchObject({ code: 'ECONNRESET' });
    expect(requests).toBe(2);
    target.close();
  });
});

it('an IPv6 address is reached', async ({ skip }) => {
  let origin: string;
  try {
    origin = await serving((_, response) => response.end('six'), '::1');
  } catch {
    skip('there is no IPv6 here');
    return;
  }
  expect((await new Origin(origin).send(get(origin), 9)).text).toBe('six');
});
