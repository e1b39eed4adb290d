import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import axios, { AxiosError, type AxiosRequestConfig } from 'axios';
import got from 'got';
import ky from 'ky';
import { interceptors, Pool } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { SPECIAL as KEY } from '../encodings.js';
import { REDACTED, redactValue, scrub, scrubbed } from '../helpers.js';
import { allLeaks } from '../leaks.js';
import { badDays, startServer, thrownBy, type Answer, type Seen, type TestServer } from './servers.js';
import { errors, photograph } from '../snapshot.js';

type Failure = '401' | '500' | 'reset' | 'cut';
const failures: Failure[] = ['401', '500', 'reset', 'cut'];

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** A server whose first answer fails as told; all later ones are good. */
async function failingFirst(failure: Failure): Promise<TestServer> {
  const answer: Answer = (request, response, index) =>
    badDays({ ...request, url: index === 0 ? `/${failure}` : '/200' }, response, index);
  const server = await startServer(answer);
  open.push(server);
  return server;
}

const oneSocket = (): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  open.push({ close: () => agent.destroy() });
  return agent;
};

const waiting = (agent: Agent): number => Object.values(agent.requests).flat().length;

const expectKeyIn = (seen: Seen | undefined): void => {
  expect(new URL(seen?.url ?? '', 'http://h').searchParams.get('access_key')).toBe(KEY);
  expect(seen?.headers['x-access-token']).toBe(KEY);
  expect(seen?.headers.authorization).toBe(`Basic ${btoa(`api:${KEY}`)}`);
  expect(seen?.body).toBe(JSON.stringify({ key: KEY }));
};

const headers = {
  'x-access-token': KEY,
  authorization: `Basic ${btoa(`api:${KEY}`)}`,
  'content-type': 'application/json',
};
const query = `?access_key=${encodeURIComponent(KEY)}`;
const body = JSON.stringify({ key: KEY });

/** Runs `call` three times at once; the first to fail is scrubbed the moment it fails. Returns that error. */
async function three(call: () => PromiseLike<unknown>, onFailure?: (error: unknown) => void): Promise<unknown> {
  const thrown: unknown[] = [];
  const one = async (): Promise<void> => {
    try {
      await call();
    } catch (error) {
      onFailure?.(error);
      thrown.push(scrub(error, [KEY]));
    }
  };
  await Promise.all([one(), one(), one()]);
  expect(thrown).toHaveLength(1);
  expect(allLeaks(thrown[0], KEY)).toEqual([]);
  return thrown[0];
}

describe.each(failures)('three axios calls on one socket, of which the first ends in %s', (failure) => {
  it('and is scrubbed at once: the other two carry the right key', async () => {
    const server = await failingFirst(failure);
    const httpAgent = oneSocket();
    const config: AxiosRequestConfig = {
      method: 'post',
      url: server.url,
      params: { access_key: KEY },
      headers: { 'x-access-token': KEY },
      auth: { username: 'api', password: KEY },
      data: { key: KEY },
      httpAgent,
    };
    const changes = photograph([config.params, config.headers, config.auth, config.data]);
    let queued = 0;

    const error = await three(
      () => axios.request(config),
      () => (queued = waiting(httpAgent)),
    );

    expect(queued).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(AxiosError);
    expect((error as AxiosError).config?.params).toEqual({ access_key: REDACTED });
    expect(changes()).toEqual([]);
    expect(config.httpAgent).toBe(httpAgent);
    expect(server.seen).toHaveLength(3);
    server.seen.forEach(expectKeyIn);
  });

  it('and shares its body as bytes and its headers as an object with them: they arrive whole', async () => {
    const server = await failingFirst(failure);
    const shared = axios.AxiosHeaders.from(headers);
    const data = Buffer.from(body);
    const client = axios.create({ baseURL: server.url, httpAgent: oneSocket(), headers: shared });
    const changes = photograph([client.defaults.headers, shared, data]);

    await three(() => client.post(query, data, { headers: shared }));

    expect(changes()).toEqual([]);
    expect(server.seen).toHaveLength(3);
    server.seen.forEach(expectKeyIn);
  });

  it('and is sent again with the very same config: it works', async () => {
    const server = await failingFirst(failure);
    const config = { method: 'post', url: server.url + query, headers, data: body, httpAgent: oneSocket() };
    scrubbed(await thrownBy(() => axios.request(config)));
    await axios.request(config);
    expectKeyIn(server.seen[1]);
  });
});

/** Other clients, each sharing one options object between its calls. */
const clients: Record<string, (url: string, agent: Agent) => () => PromiseLike<unknown>> = {
  got: (url, agent) => {
    const options = { method: 'POST', headers, body, agent: { http: agent }, retry: { limit: 0 } } as const;
    return () => got(url, options);
  },
  'a got instance': (url, agent) => {
    const client = got.extend({ headers, agent: { http: agent }, retry: { limit: 0 } });
    return () => client.post(url, { body });
  },
  ky: (url) => {
    const options = { method: 'post', headers: new Headers(headers), body, retry: 0 };
    return () => ky(url, options).json();
  },
  'fetch, whose caller throws,': (url) => {
    const request = new Request(url, { method: 'POST', headers, body });
    return async () => {
      const response = await fetch(request.clone());
      const text = await response.text();
      if (!response.ok) throw Object.assign(new Error(`${url} ${response.status}`), { request, response, text });
    };
  },
  superagent: (url, agent) => {
    const superagent = createRequire(import.meta.url)('superagent') as (
      method: string,
      url: string,
    ) => { agent(a: Agent): { set(h: object): { send(b: string): PromiseLike<unknown> } } };
    return () => superagent('POST', url).agent(agent).set(headers).send(body);
  },
  'an undici pool': (url) => {
    const pool = new Pool(new URL(url).origin, { connections: 1 }).compose(interceptors.responseError());
    open.push(pool as unknown as Pool);
    const options = { path: `/${query}`, method: 'POST', headers, body } as const;
    return async () => {
      const answer = await pool.request(options).catch((error: unknown) => {
        throw Object.assign(error as Error, { options, pool });
      });
      await answer.body.json();
    };
  },
  'node:http': (url, agent) => {
    const options = { method: 'POST', headers, agent };
    return () =>
      new Promise((resolve, reject) => {
        const live: ClientRequest = httpRequest(url, options, (response: IncomingMessage) => {
          const fail = (error: Error): void =>
            reject(Object.assign(error, { request: live, response, options, agent }));
          response.on('error', fail).resume();
          response.on('end', () => (response.statusCode === 200 ? resolve(1) : fail(new Error('refused'))));
        });
        live.on('error', (error) => reject(Object.assign(error, { request: live, options, agent })));
        live.end(body);
      });
  },
};

describe.each(Object.keys(clients))('three calls of %s with one set of options', (client) => {
  it.each(failures)('carry the right key when the first ends in %s and is scrubbed at once', async (failure) => {
    const server = await failingFirst(failure);
    const changes = photograph(headers);

    await three(clients[client]?.(server.url + query, oneSocket()) as () => PromiseLike<unknown>);

    expect(changes()).toEqual([]);
    expect(server.seen.length).toBeGreaterThanOrEqual(3);
    server.seen.forEach(expectKeyIn);
  });
});

describe('what is in use', () => {
  it('goes on: an agent, its socket and its queue after the error that showed them is scrubbed', async () => {
    const server = await failingFirst('401');
    const agent = oneSocket();
    const error = await thrownBy(clients['node:http']?.(server.url + query, agent) as () => unknown);
    const before = { ...(error as { request: ClientRequest; agent: Agent }) };
    const left = scrubbed(error) as typeof before;
    expect(left.agent).not.toBe(agent);
    expect(left.request).not.toBe(before.request);
    expect(before.request.getHeader('x-access-token')).toBe(KEY);
    expect(before.request.path).toContain(encodeURIComponent(KEY));
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);

    await clients['node:http']?.(server.url + query, agent)();
    expectKeyIn(server.seen[1]);
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
  });

  it('goes on: a request still being sent while the error on which it hangs is scrubbed', async () => {
    const server = await failingFirst('401');
    await axios.get(server.url).catch(() => undefined);
    const live = httpRequest(server.url + query, { method: 'POST', headers, agent: oneSocket() });
    const answered = new Promise<IncomingMessage>((resolve, reject) =>
      live.on('response', resolve).on('error', reject),
    );
    live.write(body.slice(0, 5));
    scrubbed(Object.assign(new Error(KEY), { request: live, deep: [{ live, options: headers }] }));
    redactValue({ live }, [KEY]);
    live.end(body.slice(5));
    const response = await answered;
    scrub(Object.assign(new Error(KEY), { response }), [KEY]);
    expect(response.statusCode).toBe(200);
    expect((await response.toArray()).join('')).toBe('{"price":1}');
    expectKeyIn(server.seen[1]);
  });

  it('stays as it was when two errors share it and one of them is scrubbed', async () => {
    const shared = {
      headers: { ...headers },
      params: new URLSearchParams({ access_key: KEY }),
      map: new Map([[KEY, KEY]]),
    };
    const [mine, theirs] = [new Error(KEY), new Error(KEY)].map((error) => Object.assign(error, { config: shared }));
    const changes = photograph([shared, theirs]);
    scrubbed(mine);
    expect(changes()).toEqual([]);
    const all = photograph(theirs, errors);
    scrubbed(theirs);
    expect(all()).toEqual([]);
    expect(theirs?.config).not.toBe(mine?.config);
  });
});
