import { Agent as HttpAgent, get as httpGet } from 'node:http';
import { createRequire } from 'node:module';
import got, { HTTPError as GotHttpError, RequestError } from 'got';
import ky, { HTTPError as KyHttpError } from 'ky';
import nodeFetch, { FetchError } from 'node-fetch';
import pRetry, { AbortError } from 'p-retry';
import { Agent, errors as undiciErrors, fetch as undiciFetch, interceptors, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAIN, QUOTED, SPECIAL } from '../encodings.js';
import { REDACTED, scrub, scrubbed } from '../helpers.js';
import { allLeaks, lateLeaks } from '../leaks.js';
import { refusedUrl, startServer, thrownBy, type TestServer } from './servers.js';
import { photograph } from '../snapshot.js';

interface Call {
  url: string;
  headers: Record<string, string>;
  body?: string;
}
interface SuperagentError extends Error {
  status: number;
  response: { status: number; text: string; body: { error: string }; headers: Record<string, string> };
}
interface Superagent {
  (
    method: string,
    url: string,
  ): PromiseLike<unknown> & {
    set(headers: Record<string, string>): ReturnType<Superagent>;
    timeout(ms: number): ReturnType<Superagent>;
    send(body?: string): ReturnType<Superagent>;
  };
}
const superagent = createRequire(import.meta.url)('superagent') as Superagent;

let server: TestServer;
let refused: string;
const dispatcher = new Agent();
beforeAll(async () => {
  server = await startServer();
  refused = await refusedUrl();
});
afterAll(async () => {
  await dispatcher.close().catch(() => undefined);
  await server.close();
});

/** Short only where no answer will come, so that a busy machine changes no other outcome. */
const patience = (call: Call): number => (call.url.includes('/hang') ? 60 : 10_000);
const methodOf = (call: Call): 'POST' | 'GET' => (call.body === undefined ? 'GET' : 'POST');
const init = (call: Call) => ({ method: methodOf(call), headers: call.headers, ...(call.body && { body: call.body }) });
const failed = async (
  response: { ok: boolean; status: number; text(): Promise<string> },
  call: Call,
): Promise<never> => {
  // What much code does: the request and the answer go onto the error.
  throw Object.assign(new Error(`GET ${call.url} answered ${response.status}`), {
    request: call,
    response,
    body: response.ok ? await response.text() : undefined,
  });
};

const clients: Record<string, (call: Call) => unknown> = {
  got: (call) => got(call.url, { ...init(call), retry: { limit: 0 }, timeout: { request: patience(call) } }).json(),
  ky: (call) => ky(call.url, { ...init(call), retry: 0, timeout: patience(call) }).json(),
  superagent: (call) => superagent(methodOf(call), call.url).set(call.headers).timeout(patience(call)).send(call.body),
  'node-fetch': async (call) =>
    await failed(
      await nodeFetch(call.url, { ...init(call), signal: AbortSignal.timeout(patience(call)) as never }),
      call,
    ),
  'global fetch': async (call) =>
    await failed(await fetch(call.url, { ...init(call), signal: AbortSignal.timeout(patience(call)) }), call),
  'undici fetch': async (call) =>
    await failed(
      await undiciFetch(call.url, { ...init(call), dispatcher, signal: AbortSignal.timeout(patience(call)) }),
      call,
    ),
  'undici request': async (call) => {
    const { statusCode, headers, body } = await request(call.url, {
      ...init(call),
      dispatcher,
      signal: AbortSignal.timeout(patience(call)),
    });
    const error = Object.assign(new Error(`GET ${call.url}`), { statusCode, headers, options: call });
    throw Object.assign(error, { data: await body.json() });
  },
  'undici with responseError': async (call) => {
    const strict = dispatcher.compose(interceptors.responseError());
    const { body } = await request(call.url, {
      ...init(call),
      dispatcher: strict,
      signal: AbortSignal.timeout(patience(call)),
    });
    await body.json();
  },
  'node:http': async (call) => {
    const options = { headers: call.headers, agent: new HttpAgent({ keepAlive: true }), timeout: patience(call) };
    await new Promise((_resolve, reject) => {
      const live = httpGet(call.url, options, (response) => {
        const error = Object.assign(new Error(`${response.statusCode}`), { request: live, response, options });
        response
          .on('error', reject)
          .on('end', () => reject(error))
          .resume();
      });
      live.on('timeout', () => live.destroy(new Error('timed out')));
      live.on('error', (error) => reject(Object.assign(error, { request: live, options })));
    });
  },
};

const places: Record<string, (base: string, key: string) => Call> = {
  'in the query': (base, key) => ({ url: `${base}?access_key=${encodeURIComponent(key)}&base=USD`, headers: {} }),
  'in the path': (base, key) => ({ url: `${base}/${encodeURIComponent(key)}/latest`, headers: {} }),
  'in a header': (url, key) => ({ url, headers: { 'x-access-token': key } }),
  'in Basic auth': (url, key) => ({ url, headers: { authorization: `Basic ${btoa(`api:${key}`)}` } }),
  'in a body': (url, key) => ({ url, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ key }) }),
};

const days = ['401', '500', 'echo', 'redirect', 'hang', 'reset', 'cut', 'refused'] as const;
const baseOf = (day: string): string => (day === 'refused' ? refused : `${server.url}/${day}`);

/** An error that its client keeps free of the key is no sample, so the call hangs on it as a caller's own code may. */
const withCall = (error: unknown, call: Call): Error => Object.assign(error as Error, { call: { ...call } });

describe.each(Object.keys(clients))('%s', (client) => {
  it.each(days)('does not show the key when the answer is %s', async (day) => {
    for (const [place, put] of Object.entries(places)) {
      for (const key of [SPECIAL, PLAIN, QUOTED]) {
        const call = put(baseOf(day), key);
        const error = withCall(await thrownBy(() => clients[client]?.(call)), call);
        const type = error.constructor;
        const changes = photograph(call);
        const left = scrubbed(error, key) as Error & { response?: object; call: Call };
        expect(left, place).toBe(error);
        expect(left.constructor).toBe(type);
        expect(left.response === undefined ? [] : await lateLeaks(left.response, key)).toEqual([]);
        expect(changes()).toEqual([]);
      }
    }
  });
});

const leaky = (day: string): Call => places['in the query']?.(`${server.url}/${day}`, SPECIAL) as Call;

describe('what code reads of an error afterwards', () => {
  it('is there for got', async () => {
    const left = scrubbed((await thrownBy(() => clients['got']?.(leaky('401')))) as GotHttpError);
    expect(left).toBeInstanceOf(GotHttpError);
    expect(left).toBeInstanceOf(RequestError);
    expect(left.code).toBe('ERR_NON_2XX_3XX_RESPONSE');
    expect(left.message).toContain(`access_key=${REDACTED}&base=USD`);
    expect(left.response.statusCode).toBe(401);
    expect(left.response.body).toEqual('{"error":"no","retry":7}');
    expect(left.response.headers['x-request-id']).toBe('req-1');
    expect(left.response.url).toContain(REDACTED);
    expect(left.options.method).toBe('GET');
  });

  it('is there for ky', async () => {
    const left = scrubbed((await thrownBy(() => clients['ky']?.(leaky('401')))) as KyHttpError);
    expect(left).toBeInstanceOf(KyHttpError);
    expect(left.response.status).toBe(401);
    expect(left.response.statusText).toBe('Unauthorized');
    expect(left.response.headers.get('x-request-id')).toBe('req-1');
    expect(left.response.url).toContain('access_key=');
    expect(left.request.method).toBe('GET');
    expect(left.request.url).toContain('access_key=');
  });

  it('is there for superagent', async () => {
    const left = scrubbed(
      withCall(await thrownBy(() => clients['superagent']?.(leaky('401'))), leaky('401')),
    ) as unknown as SuperagentError;
    expect(left.status).toBe(401);
    expect(left.response.status).toBe(401);
    expect(left.response.text).toBe('{"error":"no","retry":7}');
    expect(left.response.body).toEqual({ error: 'no', retry: 7 });
    expect(left.response.headers['x-request-id']).toBe('req-1');
  });

  it('is there for node-fetch', async () => {
    const left = scrubbed((await thrownBy(() => clients['node-fetch']?.(leaky('reset')))) as FetchError);
    expect(left).toBeInstanceOf(FetchError);
    expect(left.code).toBe('ECONNRESET');
    expect(left.message).toContain(`access_key=${REDACTED}&base=USD`);
  });

  it('is there for undici', async () => {
    const call = places['in a header']?.(`${server.url}/echo`, SPECIAL) as Call;
    const left = scrubbed(
      await thrownBy(() => clients['undici with responseError']?.(call)),
    ) as undiciErrors.ResponseError;
    expect(left).toBeInstanceOf(undiciErrors.ResponseError);
    expect(left.statusCode).toBe(401);
    expect((left.headers as Record<string, string>)['x-request-id']).toBe('req-1');
    expect(left.body).toMatchObject({ error: 'bad key' });
  });

  it('is there for fetch', async () => {
    const left = scrubbed(await thrownBy(() => clients['global fetch']?.(leaky('401')))) as Error & {
      response: Response;
    };
    expect(left.response.status).toBe(401);
    expect(left.response.headers.get('content-type')).toBe('application/json');
    expect(left.message).toBe(`GET ${server.url}/401?access_key=${REDACTED}&base=USD answered 401`);
  });

  it('is there for node:http', async () => {
    const left = scrubbed(await thrownBy(() => clients['node:http']?.(leaky('401')))) as Error & {
      response: { statusCode: number; statusMessage?: string; headers: Record<string, string> };
      request: { method: string };
    };
    expect(left.response.statusCode).toBe(401);
    expect(left.response.headers['x-request-id']).toBe('req-1');
    expect(left.request.method).toBe('GET');
  });
});

describe('an error of a client about its own input', () => {
  const key = PLAIN;
  it.each<[string, () => unknown]>([
    ['a header of fetch', () => fetch(refused, { headers: { a: `${key}\n\0x` } })],
    ['credentials in a URL of fetch', () => fetch(`http://u:${key}@127.0.0.1/`)],
    ['a URL of fetch', () => fetch(`http://[${key}`)],
    ['a URL', () => new URL(`http://[${key}`)],
    ['a header name of node:http', () => httpGet(refused, { headers: { [`${key} x`]: 'a' } })],
    [
      'a URL of undici',
      () => request(`ftp://h/${key}`).catch((error: unknown) => Promise.reject(withCall(error, leakyPlain))),
    ],
    ['a URL of got', () => got(`http://[${key}`)],
    ['a URL of node-fetch', () => nodeFetch(`ftp://h/${key}`)],
    ['a body of JSON', () => JSON.parse(key)],
  ])('does not show the key: %s', async (_name, run) => {
    const error = await thrownBy(run);
    expect(scrubbed(withCall(error, leakyPlain), key)).toBe(error);
  });
  const leakyPlain: Call = { url: `http://h/?k=${PLAIN}`, headers: {} };
});

describe('p-retry', () => {
  it('gives up with an AbortError that shows no key, nor does what it wraps', async () => {
    const original = await thrownBy(() => clients['got']?.(leaky('500')));
    const abort = new AbortError(original as Error);
    const left = scrubbed(abort);
    expect(left).toBe(abort);
    expect(left).toBeInstanceOf(AbortError);
    expect(left.originalError).toBeInstanceOf(GotHttpError);
    expect(allLeaks(left.originalError, SPECIAL)).toEqual([]);
  });

  it('unwraps it to an error that shows no key', async () => {
    const abort = new AbortError(`GET ${leaky('401').url}`);
    const error = (await thrownBy(() => pRetry(() => Promise.reject(abort)))) as Error;
    expect(scrubbed(error)).toBe(error);
    expect(scrub(error, [SPECIAL])).toBe(error);
  });
});
