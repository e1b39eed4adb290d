import axios, { AxiosError, type AxiosRequestConfig } from 'axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAIN, QUOTED, SPECIAL } from '../encodings.js';
import { REDACTED, scrubbed } from '../helpers.js';
import { allLeaks } from '../leaks.js';
import { refusedUrl, startServer, thrownBy, type TestServer } from './servers.js';
import { errors, photograph } from '../snapshot.js';

let server: TestServer;
let refused: string;
beforeAll(async () => {
  server = await startServer();
  refused = await refusedUrl();
});
afterAll(() => server.close());

/** Where a caller puts the key. */
const places: Record<string, (key: string) => AxiosRequestConfig> = {
  'in params': (key) => ({ params: { access_key: key, base: 'USD' } }),
  'in URLSearchParams': (key) => ({ params: new URLSearchParams({ access_key: key }) }),
  'in a header': (key) => ({ headers: { 'x-access-token': key } }),
  'as a bearer': (key) => ({ headers: { Authorization: `Bearer ${key}` } }),
  'in the query': (key) => ({ url: `?access_key=${encodeURIComponent(key)}` }),
  'in the path': (key) => ({ url: `/${encodeURIComponent(key)}/latest` }),
  'as the password': (key) => ({ auth: { username: 'api', password: key } }),
  'as the user': (key) => ({ auth: { username: key, password: '' } }),
  'in a JSON body': (key) => ({ method: 'post', data: { access_key: key, base: 'USD' } }),
  'in a form body': (key) => ({ method: 'post', data: new URLSearchParams({ access_key: key }) }),
  'in a Buffer body': (key) => ({ method: 'post', data: Buffer.from(`key=${encodeURIComponent(key)}`) }),
  'in a cookie': (key) => ({ headers: { Cookie: `session=${encodeURIComponent(key)}` } }),
};

/** How it ends. */
const ends: Record<string, () => AxiosRequestConfig> = {
  'a 401': () => ({ baseURL: `${server.url}/401` }),
  'a 500': () => ({ baseURL: `${server.url}/500` }),
  'a 401 that repeats the request': () => ({ baseURL: `${server.url}/echo` }),
  'a redirect to a 401': () => ({ baseURL: `${server.url}/redirect` }),
  'a redirect too many': () => ({ baseURL: `${server.url}/redirect`, maxRedirects: 0 }),
  'a timeout': () => ({ baseURL: `${server.url}/hang`, timeout: 30 }),
  'a reset connection': () => ({ baseURL: `${server.url}/reset` }),
  'a reset amid the body': () => ({ baseURL: `${server.url}/cut` }),
  'a refused connection': () => ({ baseURL: refused }),
  'a body too long': () => ({ baseURL: `${server.url}/200`, maxContentLength: 3 }),
  'an abort': () => ({ baseURL: `${server.url}/hang`, signal: AbortSignal.timeout(20) }),
};

const failing = async (
  key: string,
  place: string,
  end: string,
): Promise<{ config: AxiosRequestConfig; error: AxiosError }> => {
  const config = { ...ends[end]?.(), ...places[place]?.(key) };
  const error = await thrownBy(() => axios.request(config));
  return { config, error: error as AxiosError };
};

describe.each(Object.keys(ends))('axios, after %s', (end) => {
  it.each(Object.keys(places))('does not show the key that stood %s', async (place) => {
    const { config, error } = await failing(SPECIAL, place, end);
    const changes = photograph([config, error.config], errors);
    const { config: used, code } = error;

    const left = scrubbed(error);

    expect(left).toBe(error);
    expect(left).toBeInstanceOf(AxiosError);
    expect(axios.isAxiosError(left)).toBe(true);
    expect(left.code).toBe(code);
    expect(left.config).not.toBe(used);
    expect(changes()).toEqual([]);
  });
});

describe('axios', () => {
  it.each([PLAIN, QUOTED])('does not show a key such as %s, wherever it stood', async (key) => {
    for (const place of Object.keys(places)) {
      scrubbed((await failing(key, place, 'a 401 that repeats the request')).error, key);
      scrubbed((await failing(key, place, 'a reset connection')).error, key);
    }
  });

  it('leaves an answer that reads as before', async () => {
    const { error } = await failing(SPECIAL, 'in params', 'a 401');
    const { data, headers } = error.response ?? {};
    const { response, status } = scrubbed(error);
    expect(status).toBe(401);
    expect(response?.status).toBe(401);
    expect(response?.statusText).toBe('Unauthorized');
    expect(response?.data).toBe(data);
    expect(response?.headers).toBe(headers);
    expect(response?.headers['x-request-id']).toBe('req-1');
    expect(response?.config.params).toEqual({ access_key: REDACTED, base: 'USD' });
  });

  it('leaves a config that reads as before', async () => {
    const { error } = await failing(SPECIAL, 'as a bearer', 'a 500');
    const { config } = scrubbed(error);
    expect(config?.method).toBe('get');
    expect(config?.baseURL).toBe(`${server.url}/500`);
    expect(config?.timeout).toBe(0);
    expect(config?.headers['Authorization']).toBe(`Bearer ${REDACTED}`);
    expect(config?.headers.get('authorization')).toBe(`Bearer ${REDACTED}`);
    expect(config?.headers['Accept']).toContain('application/json');
  });

  it('leaves a request that reads as before', async () => {
    const { error } = await failing(SPECIAL, 'in params', 'a 401');
    const live = error.request as { path: string; getHeader(name: string): unknown };
    const left = scrubbed(error).request as { method: string; path?: string; url?: string };
    expect(left).not.toBe(live);
    expect(left.method).toBe('GET');
    expect(left.url ?? left.path).toContain(`access_key=${REDACTED}`);
    expect(live.path).toContain(`access_key=${encodeURIComponent(SPECIAL).slice(0, 5)}`);
  });

  it('leaves an error that writes itself as JSON', async () => {
    const { error } = await failing(SPECIAL, 'as a bearer', 'a 500');
    const json = JSON.parse(JSON.stringify(scrubbed(error))) as Record<string, unknown>;
    expect(json).toMatchObject({ status: 500, code: 'ERR_BAD_RESPONSE', config: { baseURL: `${server.url}/500` } });
  });

  it('leaves the body of an answer that repeats the key, without the key', async () => {
    const { error } = await failing(SPECIAL, 'in params', 'a 401 that repeats the request');
    const data = scrubbed(error).response?.data as { error: string; echo: { method: string; url: string } };
    expect(data.error).toBe('bad key');
    expect(data.echo.method).toBe('GET');
    expect(data.echo.url).toContain(REDACTED);
  });

  it.each(['text', 'arraybuffer', 'stream', 'json'] as const)(
    'leaves no key in a body read as %s',
    async (responseType) => {
      const error = await thrownBy(() =>
        axios.get(`${server.url}/echo`, { responseType, headers: { authorization: `Bearer ${PLAIN}` } }),
      );
      scrubbed(error, PLAIN);
    },
  );

  it('with defaults of its own keeps them', async () => {
    const client = axios.create({
      baseURL: server.url,
      params: { access_key: SPECIAL },
      headers: { 'x-access-token': SPECIAL, common: { 'x-common': SPECIAL } },
      auth: { username: 'api', password: SPECIAL },
    });
    const changes = photograph(client.defaults);
    scrubbed(await thrownBy(() => client.get('/401')));
    expect(changes()).toEqual([]);

    await client.get('/200');

    const last = server.seen.at(-1);
    expect(new URL(last?.url ?? '', server.url).searchParams.get('access_key')).toBe(SPECIAL);
    expect(last?.headers).toMatchObject({ 'x-access-token': SPECIAL, 'x-common': SPECIAL });
    expect(last?.headers.authorization).toBe(`Basic ${btoa(`api:${SPECIAL}`)}`);
  });

  it('with the key in the defaults of all keeps them', async () => {
    const client = axios.create();
    client.defaults.headers.common['x-access-token'] = SPECIAL;
    scrubbed(await thrownBy(() => client.get(`${server.url}/401`)));
    expect(client.defaults.headers.common['x-access-token']).toBe(SPECIAL);
  });

  it('leaves errors of interceptors and of wrappers without the key', async () => {
    const client = axios.create({ headers: { authorization: SPECIAL } });
    client.interceptors.response.use(undefined, (error: unknown) => {
      throw new Error('wrapped', { cause: new AggregateError([error, Object.assign(new Error('x'), { error })]) });
    });
    const left = scrubbed(await thrownBy(() => client.get(`${server.url}/401`))) as Error & { cause: AggregateError };
    expect(left.cause.errors[0]).toBeInstanceOf(AxiosError);
    expect(allLeaks(left.cause.errors[1], SPECIAL)).toEqual([]);
  });
});
