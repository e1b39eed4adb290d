import { createHash, createHmac } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http, { type RequestOptions } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../src/core/index.js';
import { createVaultClient, type VaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { resetConnection } from '../../../src/testing/http/loopback-server.js';
import { manualClock } from '../../../src/testing/manual-clock.js';
import { temporaryFolder } from '../../cli/run.js';
import { failure } from '../loading.js';
import { errors, granted, pauseless, vaultLike, type Seen, type VaultLike } from './vault-like.js';

const PATH = 'secret/data/gold';
const LOGIN = 'auth/aws/login';
const CONTAINER = '/v2/credentials/invented-credentials-id';
const [FIRST, SECOND] = ['hvs.first-token-0123456789', 'hvs.second-token-0123456789'] as const;
const KEY = {
  id: 'ASIAINVENTED00000001',
  secret: 'invented/secret+access+key0000000000001',
  token: 'IQoJinvented//token01==',
};
const NEXT = {
  id: 'ASIAINVENTED00000002',
  secret: 'invented/secret+access+key0000000000002',
  token: 'IQoJinvented//token02==',
};
const AUTHORIZATION = 'invented-authorization-0123456789';
const secrets = [KEY.id, KEY.secret, KEY.token, NEXT.id, NEXT.secret, NEXT.token, AUTHORIZATION, CONTAINER];

let vault: VaultLike;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const links: VaultClient[] = [];

beforeAll(async () => {
  [vault, folder] = await Promise.all([vaultLike(), temporaryFolder()]);
});
beforeEach(() => {
  vault.reset();
  vault.on(PATH, { status: 200, body: { data: {} } });
  vault.on(LOGIN, granted(FIRST));
  environment({});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  for (const link of links.splice(0)) link.close();
});
afterAll(async () => {
  await Promise.all([vault[Symbol.asyncDispose](), folder[Symbol.asyncDispose]()]);
});

const NAMES = ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN', 'REGION'].concat(
  ['CREDENTIALS_RELATIVE_URI', 'CREDENTIALS_FULL_URI', 'AUTHORIZATION_TOKEN', 'AUTHORIZATION_TOKEN_FILE'].map(
    (name) => `CONTAINER_${name}`,
  ),
);
/** These variables and no others. */
function environment(variables: Readonly<Record<string, string>>): void {
  for (const name of NAMES) vi.stubEnv(`AWS_${name}`, variables[name] ?? '');
}
const keys = ({ id, secret, token }: typeof KEY): Record<string, string> => ({
  ACCESS_KEY_ID: id,
  SECRET_ACCESS_KEY: secret,
  SESSION_TOKEN: token,
});
const container = (more: Readonly<Record<string, string>> = {}): void =>
  environment({ CONTAINER_CREDENTIALS_FULL_URI: `${vault.url}${CONTAINER}`, ...more });
const answer = ({ id, secret, token }: typeof KEY) => ({
  status: 200,
  body: { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: '2026-11-22T18:00:00Z' },
});

function linkOf(auth: Partial<Extract<VaultAuth, { method: 'aws' }>> = {}): VaultClient {
  const link = createVaultClient('fromVault', {
    address: vault.url,
    auth: { method: 'aws', role: 'gold-role', ...auth },
  });
  links.push(link);
  return link;
}
function read(auth?: Parameters<typeof linkOf>[0], clock: Clock = pauseless): () => Promise<unknown> {
  const link = linkOf(auth);
  return () => link.request({ method: 'GET', path: PATH, operation: 'the read of the key', clock });
}

/** What the logins brought, decoded. */
const logins = (): ReturnType<typeof decoded>[] =>
  vault.seen.filter(({ request }) => request.endsWith('login')).map(decoded);
function decoded({ body }: Seen) {
  const sent = body as Readonly<Record<string, string>>;
  const text = (name: string): string => Buffer.from(sent[`iam_request_${name}`] ?? '', 'base64').toString();
  const headers = JSON.parse(text('headers')) as Record<string, string>;
  const { role, iam_http_request_method: method = '' } = sent;
  return { names: Object.keys(sent), role, method, url: text('url'), body: text('body'), headers };
}

/** AWS Signature Version 4, as its specification says, of what a login brought. */
function signed({ method, url, headers, body }: ReturnType<typeof decoded>, secret: string): string {
  const [, id, date = '', region = '', names = ''] =
    /Credential=(\w+)\/(\d{8})\/([\w-]+)\/sts\/aws4_request, SignedHeaders=([\w;-]+), /.exec(
      headers['Authorization'] ?? '',
    ) ?? [];
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
  const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const lines = names.split(';').map((name) => `${name}:${String(lower.get(name))}\n`);
  const canonical = [method, new URL(url).pathname, '', lines.join(''), names, sha(body)].join('\n');
  const scope = `${date}/${region}/sts/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', lower.get('x-amz-date'), scope, sha(canonical)].join('\n');
  const key = [date, region, 'sts', 'aws4_request'].reduce<string | Buffer>(mac, `AWS4${secret}`);
  return `AWS4-HMAC-SHA256 Credential=${String(id)}/${scope}, SignedHeaders=${names}, Signature=${mac(key, text).toString('hex')}`;
}

describe('a login with AWS', () => {
  it('sends the role and a signed GetCallerIdentity, once for all requests', async () => {
    environment(keys(KEY));
    const get = read();

    await Promise.all([get(), get()]);
    await get();

    const [login, ...others] = logins();
    expect(others).toEqual([]);
    expect(login).toMatchObject({
      names: ['role', 'iam_http_request_method', 'iam_request_url', 'iam_request_body', 'iam_request_headers'],
      role: 'gold-role',
      method: 'POST',
      url: 'https://sts.amazonaws.com/',
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
      headers: {
        Host: 'sts.amazonaws.com',
        'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
        'Content-Length': '43',
        'X-Amz-Security-Token': KEY.token,
      },
    });
    expect(login?.headers['Authorization']).toBe(signed(login as never, KEY.secret));
    expect(login?.headers['Authorization']).toMatch(
      new RegExp(
        `Credential=${KEY.id}/\\d{8}/us-east-1/.*=content-length;content-type;host;x-amz-date;x-amz-security-token,`,
      ),
    );
    expect(vault.seen.at(-1)?.headers['x-vault-token']).toBe(FIRST);
  });

  it('is signed at the time of the clock, without a token for credentials that last', async () => {
    environment({ ACCESS_KEY_ID: KEY.id, SECRET_ACCESS_KEY: ` ${KEY.secret}\n` });
    const clock = manualClock();
    clock.setWall(Date.UTC(2026, 10, 22, 9, 8, 7, 654));

    await read({}, clock)();

    const [login] = logins();
    expect(login?.headers['X-Amz-Date']).toBe('20261122T090807Z');
    expect(login?.headers).not.toHaveProperty('X-Amz-Security-Token');
    expect(login?.headers['Authorization']).toBe(signed(login as never, KEY.secret));
  });

  it.each([
    ['eu-west-1', '', 'sts.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['eu-west-1', 'eu-central-1', 'sts.eu-west-1.amazonaws.com', 'eu-west-1'],
    [undefined, 'eu-central-1', 'sts.eu-central-1.amazonaws.com', 'eu-central-1'],
    ['us-east-1', '', 'sts.us-east-1.amazonaws.com', 'us-east-1'],
    ['cn-north-1', '', 'sts.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['aws-global', 'eu-central-1', 'sts.amazonaws.com', 'us-east-1'],
  ])('for region %s, with AWS_REGION %j, is signed for %s in %s', async (region, variable, host, scope) => {
    environment({ ...keys(KEY), REGION: variable });

    await read({ region })();

    const [login] = logins();
    expect(login).toMatchObject({ url: `https://${host}/`, headers: { Host: host } });
    expect(login?.headers['Authorization']).toContain(`/${scope}/sts/aws4_request`);
    expect(login?.headers['Authorization']).toBe(signed(login as never, KEY.secret));
  });

  it('reads the credentials again before the next login', async () => {
    environment(keys(KEY));
    vault.on(LOGIN, granted(FIRST), granted(SECOND));
    const get = read();
    await get();
    environment(keys(NEXT));
    vault.on(PATH, errors(403, 'permission denied'), { status: 200, body: { data: {} } });

    await get();

    expect(logins().map(({ headers }) => headers['X-Amz-Security-Token'])).toEqual([KEY.token, NEXT.token]);
    expect(logins()[1]?.headers['Authorization']).toBe(signed(logins()[1] as never, NEXT.secret));
  });

  it('goes to the mount given', async () => {
    environment(keys(KEY));
    vault.on('auth/accounts/gold/login', granted(FIRST));

    await read({ mount: '/accounts/gold/' })();

    expect(vault.requests[0]).toBe('POST auth/accounts/gold/login');
  });

  it.each([400, 403, 404])('refused with %i: credentials, so that a key in use serves on', async (status) => {
    environment(keys(KEY));
    vault.on(LOGIN, errors(status, `entry for role not found ${KEY.id} ${KEY.token}`));
    const link = linkOf();
    const error = await failure(link.request({ method: 'GET', path: PATH, operation: 'the read', clock: pauseless }));
    const signature = /Signature=(\w+)/.exec(logins()[0]?.headers['Authorization'] ?? '')?.[1] ?? '';

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(String(error)).toMatch(/the AWS login .*check `auth.role`, the IAM role it is bound to/);
    expect(vault.requests).toEqual([`POST ${LOGIN}`]);
    expect(signature).toHaveLength(64);
    for (const secret of [...secrets, signature]) {
      assertNoSecret(error, secret);
      assertNoSecret(link, secret);
      for (const shown of [inspect(error, { depth: 9 }), inspect(link), JSON.stringify(error)]) {
        expect(shown).not.toContain(secret);
      }
    }
  });

  it('refused after its token was refused: denied, as with the other methods', async () => {
    environment(keys(KEY));
    vault.on(LOGIN, granted(FIRST), errors(403, 'permission denied'));
    vault.on(PATH, errors(403, 'permission denied'));

    expect(await failure(read()())).toMatchObject({
      name: 'KeyAccessDeniedError',
      cause: { name: 'KeyProviderError', message: expect.stringContaining('the AWS login') },
    });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['none', {}, /AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY .*CREDENTIALS_RELATIVE_URI or .*CREDENTIALS_FULL_URI/],
    ['half a pair', { ACCESS_KEY_ID: KEY.id, SESSION_TOKEN: KEY.token }, /There are no AWS credentials/],
    ['two lines', { ...keys(KEY), SESSION_TOKEN: `${KEY.token}\n${KEY.token}` }, /made of visible ASCII characters/],
    ['no region', { ...keys(KEY), REGION: 'evil.example/' }, /AWS_REGION must be the name of a region/],
  ])('%s in the environment: an error that a key in use outlives', async (_, variables, message) => {
    environment(variables);
    const error = await failure(read()());

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      provider: 'vault',
      message: expect.stringMatching(message),
    });
    expect(vault.requests).toEqual([]);
    for (const secret of secrets) assertNoSecret(error, secret);
  });
});

describe('the credentials of a container', () => {
  it('are asked for before each login, with the token given', async () => {
    container({ CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION });
    vault.on(CONTAINER, answer(KEY), answer(NEXT));
    vault.on(LOGIN, granted(FIRST), granted(SECOND));
    vault.on(PATH, errors(403, 'permission denied'), { status: 200, body: { data: {} } });

    await read()();

    expect(vault.seen[0]).toMatchObject({ request: `GET ${CONTAINER}`, headers: { authorization: AUTHORIZATION } });
    expect(logins().map(({ headers }) => headers['X-Amz-Security-Token'])).toEqual([KEY.token, NEXT.token]);
    expect(logins()[0]?.headers['Authorization']).toBe(signed(logins()[0] as never, KEY.secret));
  });

  it('give way to those of the environment, and need no token', async () => {
    container(keys(NEXT));
    await read()();
    container();
    vault.on(CONTAINER, answer(KEY));
    await read()();

    expect(logins().map(({ headers }) => headers['X-Amz-Security-Token'])).toEqual([NEXT.token, KEY.token]);
    const asked = vault.seen.filter(({ request }) => request.startsWith('GET /'));
    expect(asked.map(({ headers }) => headers['authorization'])).toEqual([undefined]);
  });

  it('are asked for with the token in the file, read each time, rather than with the other', async () => {
    const file = join(folder.path, 'token');
    container({ CONTAINER_AUTHORIZATION_TOKEN: 'another', CONTAINER_AUTHORIZATION_TOKEN_FILE: file });
    vault.on(CONTAINER, answer(KEY));
    await writeFile(file, 'Bearer one\n');
    await read()();
    await writeFile(file, 'Bearer two');
    await read()();

    const asked = vault.seen.filter(({ request }) => request.startsWith('GET /'));
    expect(asked.map(({ headers }) => headers['authorization'])).toEqual(['Bearer one', 'Bearer two']);
  });

  it.each([
    [
      { CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/a?b=c', CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/' },
      'http://169.254.170.2/v2/a?b=c',
    ],
    [{ CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.2/v2/a' }, 'http://169.254.170.2/v2/a'],
    [
      { CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' },
      'http://169.254.170.23/v1/credentials',
    ],
    [
      { CONTAINER_CREDENTIALS_FULL_URI: 'http://[fd00:ec2:0::23]/v1/credentials' },
      'http://fd00:ec2::23/v1/credentials',
    ],
    [{ CONTAINER_CREDENTIALS_FULL_URI: 'https://credentials.example/a' }, 'https://credentials.example/a'],
  ])('%j leads to %s', async (variables, expected) => {
    environment(variables as never);
    const asked: string[] = [];
    for (const module of [http, https]) {
      vi.spyOn(module, 'request').mockImplementation(((options: RequestOptions) => {
        const { protocol, hostname, path } = options;
        asked.push(`${String(protocol)}//${String(hostname)}${String(path)}`);
        const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
        const request = Object.assign(new EventEmitter(), { end: () => undefined, destroy: () => undefined });
        setImmediate(() => request.emit('error', refused));
        return request;
      }) as never);
    }
    const error = await failure(read()());

    expect(asked).toEqual([expected]);
    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(String(error)).toContain('could not be reached (ECONNREFUSED)');
  });

  it.each([
    { CONTAINER_CREDENTIALS_FULL_URI: 'http://credentials.example/a' },
    { CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.169.254/latest' },
    { CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.2.example/' },
    { CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1.example/' },
    { CONTAINER_CREDENTIALS_FULL_URI: 'ftp://127.0.0.1/' },
    { CONTAINER_CREDENTIALS_FULL_URI: 'credentials' },
    { CONTAINER_CREDENTIALS_RELATIVE_URI: '@credentials.example/' },
    { CONTAINER_CREDENTIALS_RELATIVE_URI: '.credentials.example/' },
  ])('are not fetched from where %j leads', async (variables) => {
    const requests = [http, https].map((module) => vi.spyOn(module, 'request'));
    environment({ ...(variables as Record<string, string>), CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION });
    const error = await failure(read()());

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: false });
    expect(String(error)).toMatch(/over https, from loopback or from an address of ECS and EKS/);
    for (const request of requests) expect(request).not.toHaveBeenCalled();
    assertNoSecret(error, AUTHORIZATION);
  });

  it.each<[string, Parameters<VaultLike['on']>[1], RegExp]>([
    ['refuses', { status: 401, text: AUTHORIZATION }, /answered with status 401; check the role/],
    ['redirects', { status: 302, headers: { location: 'http://credentials.example/' } }, /with status 302/],
    ['answers with a page', { status: 200, text: `<p>${KEY.secret}</p>` }, /answered without credentials/],
    ['answers with nothing', { status: 200, text: 'null' }, /answered without credentials/],
    ['has no secret', { status: 200, body: { AccessKeyId: KEY.id } }, /answered without credentials/],
    ['gives two lines', answer({ ...KEY, token: `${KEY.token}\n${KEY.token}` }), /answered without credentials/],
    ['goes on and on', { status: 200, text: KEY.secret.repeat(5_000) }, /could not be reached;/],
    ['cuts the connection', resetConnection, /could not be reached/],
    [
      'is no web server',
      ({ socket }) => socket?.end(`HELLO ${KEY.secret}\r\n`),
      /could not be reached \(HPE_[A-Z_]+\);/,
    ],
  ])('from an endpoint that %s: an error that a key in use outlives', async (_, reply, message) => {
    container({ CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION });
    vault.on(CONTAINER, reply);
    const error = await failure(read()());

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true, message: expect.stringMatching(message) });
    expect(vault.requests).toEqual([`GET ${CONTAINER}`]);
    for (const secret of secrets) {
      assertNoSecret(error, secret);
      expect(inspect(error, { depth: 9 })).not.toContain(secret);
    }
  });

  it('are waited for 2 s', async () => {
    container();
    vault.on(CONTAINER, () => undefined);
    const clock = manualClock();
    const error = failure(read({}, clock)());
    await expect.poll(() => vault.requests).toHaveLength(1);
    await clock.advance(2_000);

    expect(await error).toMatchObject({ name: 'KeyTimeoutError', retryable: true, provider: 'vault' });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['a file that is not there', { CONTAINER_AUTHORIZATION_TOKEN_FILE: '/none/of/these' }, /TOKEN_FILE cannot be read/],
    ['a device that never ends', { CONTAINER_AUTHORIZATION_TOKEN_FILE: '/dev/zero' }, /TOKEN_FILE cannot be read/],
    ['a token of two lines', { CONTAINER_AUTHORIZATION_TOKEN: `${AUTHORIZATION}\r\nX: y` }, /visible ASCII characters/],
  ])('%s: an error before anything is sent', async (_, variables, message) => {
    container(variables);
    const error = await failure(read()());

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true, message: expect.stringMatching(message) });
    expect(vault.requests).toEqual([]);
    assertNoSecret(error, AUTHORIZATION);
  });
});
