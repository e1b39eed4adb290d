import http, { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
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

type AnyFunction = (...args: never[]) => unknown;

/** Replaces a function, and returns what puts it back. */
function replace<Name extends string>(
  owner: Record<Name, unknown>,
  name: Name,
  wrap: (original: any) => (...args: any[]) => unknown,
): () => void {
  const original = owner[name];
  owner[name] = wrap(original);
  return () => {
    owner[name] = original;
  };
}

/** Both ways to an origin: before undici is loaded, and after. */
const ways = {
  'Node’s own client': (origin: string) => Promise.resolve(new Origin(origin)),
  'the pool of undici': async (origin: string) => {
    const target = new Origin(origin);
    await Promise.all(Array.from({ length: 16 }, () => target.send(get(origin, { path: '/client' }), 1_000)));
    await expect.poll(async () => (await target.send(get(origin, { path: '/client' }), 1_000)).text).toBe('undici');
    return target;
  },
};

/** Tells the clients apart: undici writes `host`, Node.js `Host`. */
const clientOf = (request: IncomingMessage): string => (request.rawHeaders.includes('Host') ? 'node' : 'undici');

/** Answers a request for `/client` with the client's name; the others are the test's. */
const unless =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (request.url === '/client') response.end(clientOf(request));
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
    const clients: string[] = [];
    const origin = await serving((request, response) => {
      clients.push(clientOf(request));
      response.end('{}');
    });
    const target = new Origin(origin);

    for (let count = 0; count < 40; count++) await target.send(get(origin), 1_000);

    expect(clients).toEqual(Array(40).fill('node'));
  });

  it('many one after the other do', async () => {
    const clients: string[] = [];
    const origin = await serving((request, response) => {
      clients.push(clientOf(request));
      response.end('{}');
    });
    const target = new Origin(origin);

    for (let count = 0; count < 700; count++) await target.send(get(origin), 1_000);

    expect(clients.slice(0, 500)).toEqual(Array(500).fill('node'));
    expect(clients.at(-1)).toBe('undici');
  });

  it('what is under way ends where it began', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const clients: string[] = [];
    const origin = await serving((request, response) => {
      clients.push(clientOf(request));
      if (request.url === '/slow') void held.then(() => response.end('at last'));
      else response.end('{}');
    });
    const target = new Origin(origin);
    const slow = target.send(get(origin, { path: '/slow' }), 1_000);
    await Promise.all(Array.from({ length: 16 }, () => target.send(get(origin), 1_000)));
    await expect
      .poll(async () => {
        await target.send(get(origin), 1_000);
        return clients.at(-1);
      })
      .toBe('undici');

    release();

    expect((await slow).text).toBe('at last');
  });
});

describe('while other code replaces a part of node:http', () => {
  /** What mocking libraries and tracers replace, each as they do. */
  const patches: Record<string, (count: () => void) => () => void> = {
    'http.request, by a function': (count) =>
      replace(http, 'request', (original) => (...args) => {
        count();
        return original(...args);
      }),
    'http.request, by a function of the same name': (count) =>
      replace(http, 'request', (original) => {
        return function request(...args) {
          count();
          return original(...args);
        };
      }),
    'http.ClientRequest, by a proxy': () => replace(http, 'ClientRequest', (original) => new Proxy(original, {})),
    'http.get': () => replace(http, 'get', (original) => original.bind(undefined)),
    'https.request': () => replace(https, 'request', (original) => original.bind(undefined)),
    'Agent.prototype.addRequest': (count) =>
      replace(http.Agent.prototype as unknown as Record<'addRequest', AnyFunction>, 'addRequest', (original) => {
        return function (this: unknown, ...args) {
          count();
          return original.apply(this, args);
        };
      }),
    'Socket.prototype.connect': () =>
      replace(net.Socket.prototype, 'connect', (original) => {
        return function (this: unknown, ...args) {
          return original.apply(this, args);
        } as AnyFunction;
      }),
  };
  const ask = async (target: Origin, origin: string): Promise<string[]> => {
    const answers = Array.from({ length: 40 }, () => target.send(get(origin, { path: '/client' }), 1_000));
    return (await Promise.all(answers)).map(({ text }) => text);
  };
  const onlyNode = Array<string>(40).fill('node');

  it.each(Object.entries(patches))('%s: a burst stays on it, and undici is not loaded after', async (_, patch) => {
    const origin = await serving(unless(() => undefined));
    const target = new Origin(origin);
    const restore = patch(() => undefined);
    try {
      for (const burst of ['first', 'second']) expect([burst, await ask(target, origin)]).toEqual([burst, onlyNode]);
    } finally {
      restore();
    }
  });

  it.each(Object.entries(patches))(
    '%s: the pool that was there before is left alone, until it ends',
    async (_, patch) => {
      const origin = await serving(unless(() => undefined));
      const target = await ways['the pool of undici'](origin);
      let seen = 0;
      const restore = patch(() => seen++);
      try {
        expect(await ask(target, origin)).toEqual(onlyNode);
        expect([0, 40]).toContain(seen);
      } finally {
        restore();
      }
      expect(await ask(target, origin)).toEqual(Array(40).fill('undici'));
    },
  );

  it('a request that the patch forbids does not leave', async () => {
    let arrived = 0;
    const origin = await serving(
      unless((_, response) => {
        arrived++;
        response.end();
      }),
    );
    const target = await ways['the pool of undici'](origin);
    const restore = replace(http, 'request', () => () => {
      throw new Error('the network is off');
    });
    try {
      const asked = Array.from({ length: 20 }, () => failure(target.send(get(origin), 1_000)));
      expect(await Promise.all(asked)).toEqual(Array.from({ length: 20 }, () => new Error('the network is off')));
      expect(arrived).toBe(0);
    } finally {
      restore();
    }
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
});

describe.each(Object.entries(ways))('a connection that the server has closed, met through %s', (_, reach) => {
  /** Has kept a connection, and meets the next request on it with `end`; a new connection's first one is answered. */
  async function closing(end: (socket: Socket) => void): Promise<{ target: Origin; origin: string; seen: string[] }> {
    const answered = new Set<Socket>();
    const seen: string[] = [];
    let isClosing = false;
    const origin = await serving((request, response) => {
      if (isClosing) seen.push(request.method ?? '');
      if (isClosing && answered.has(request.socket)) end(request.socket);
      else response.end(clientOf(request));
      answered.add(request.socket);
    });
    const target = await reach(origin);
    await target.send(get(origin), 1_000);
    isClosing = true;
    return { target, origin, seen };
  }

  it('takes one more request each time: 20 of 20 are answered', async () => {
    const { target, origin, seen } = await closing((socket) => socket.resetAndDestroy());

    for (let count = 0; count < 20; count++) expect((await target.send(get(origin), 1_000)).status).toBe(200);

    expect(seen.length).toBeGreaterThan(20);
    expect(seen.length).toBeLessThanOrEqual(40);
  });

  it('without a reset, likewise', async () => {
    const { target, origin } = await closing((socket) => socket.end());
    for (let count = 0; count < 20; count++) expect((await target.send(get(origin), 1_000)).status).toBe(200);
  });

  it('is an error if the new one ends in the same way', async () => {
    let isDown = false;
    let requests = 0;
    const origin = await serving(
      unless((request, response) => {
        requests++;
        if (isDown) request.socket.resetAndDestroy();
        else response.end('{}');
      }),
    );
    const target = await reach(origin);
    await target.send(get(origin), 1_000);
    isDown = true;
    requests = 0;

    expect(await failure(target.send(get(origin), 1_000))).toBeInstanceOf(Error);
    expect(requests).toBe(2);
  });

  it('is an error for a POST, which may have been carried out', async () => {
    const { target, origin, seen } = await closing((socket) => socket.resetAndDestroy());

    const error = await failure(target.send(get(origin, { method: 'POST', body: '{}' }), 1_000));

    expect(error).toHaveProperty('code', expect.stringMatching(/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/));
    expect(seen).toEqual(['POST']);
  });

  it('is an error once a byte of the answer has come', async () => {
    const { target, origin, seen } = await closing((socket) => {
      socket.write('HTTP/1.1 2', () => socket.destroy());
    });

    expect(await failure(target.send(get(origin), 1_000))).toBeInstanceOf(Error);
    expect(seen).toEqual(['GET']);
  });

  it('is not tried again for a caller who has left', async () => {
    const leaving = new AbortController();
    const { target, origin, seen } = await closing((socket) => {
      leaving.abort(new Error('enough'));
      socket.resetAndDestroy();
    });

    const asked = failure(target.send(get(origin, { signal: leaving.signal }), 1_000));

    expect(await asked).toMatchObject({ message: 'enough' });
    expect(seen).toEqual(['GET']);
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
