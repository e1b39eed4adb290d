import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createVaultClient, type VaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultRequest } from '../../../src/providers/vault/http.js';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { resetConnection } from '../../../src/testing/http/loopback-server.js';
import { manualClock, type ManualClock } from '../../../src/testing/manual-clock.js';
import { failure } from '../loading.js';
import { denying, errors, granted, vaultLike, type VaultLike } from './vault-like.js';

const PATH = 'secret/data/gold';
const LOGIN = 'auth/approle/login';
const RENEW = 'auth/token/renew-self';
const SECRET_ID = 'invented-secret-id-0123456789';
const [FIRST, SECOND, THIRD] = ['first', 'second', 'third'].map((name) => `hvs.${name}-token-0123456789`) as [
  string,
  string,
  string,
];
const good = { status: 200, body: { data: {} } };
const denied = errors(403, 'permission denied');
let vault: VaultLike;
let clock: ManualClock;
let links: VaultClient[];

beforeAll(async () => {
  vault = await vaultLike();
});
beforeEach(() => {
  vault.reset();
  vault.on(PATH, good);
  clock = manualClock();
  links = [];
});
afterEach(() => {
  for (const link of links) link.close();
});
afterAll(() => vault[Symbol.asyncDispose]());

function linkOf(auth: VaultAuth): VaultClient {
  const link = createVaultClient('vaultRing', { address: vault.url, auth, namespace: 'gold' });
  links.push(link);
  return link;
}
const appRole = (more: Partial<Extract<VaultAuth, { method: 'approle' }>> = {}): VaultClient =>
  linkOf({ method: 'approle', roleId: 'role-of-a-test', secretId: SECRET_ID, ...more });
const get = (more: Partial<VaultRequest> = {}): VaultRequest => ({
  method: 'GET',
  path: PATH,
  operation: 'the read of the key ring',
  clock,
  ...more,
});
/** The tokens that the requests for the secret brought. */
const tokens = (): unknown[] =>
  vault.seen.filter(({ request }) => request.endsWith(PATH)).map(({ headers }) => headers['x-vault-token']);
const count = (path: string): number => vault.requests.filter((request) => request === `POST ${path}`).length;

describe('a token', () => {
  it('that is given and refused is not tried again', async () => {
    vault.on(PATH, denied);
    expect(await failure(linkOf({ method: 'token', token: FIRST }).request(get()))).toMatchObject({
      name: 'KeyAccessDeniedError',
    });
    expect(tokens()).toEqual([FIRST]);
  });

  it('from a function is kept until it is refused; another one is tried once', async () => {
    const given = [FIRST, ` ${SECOND}\n`, THIRD];
    const link = linkOf({ method: 'token', token: async () => given.shift() ?? '' });
    await link.request(get());
    vault.on(PATH, denied, good);
    await link.request(get());
    vault.on(PATH, denied);
    const error = await failure(link.request(get()));

    expect(error).toMatchObject({ name: 'KeyAccessDeniedError', retryable: false });
    expect(tokens()).toEqual([FIRST, FIRST, SECOND, SECOND, THIRD]);
    for (const token of [FIRST, SECOND, THIRD]) assertNoSecret(error, token);
  });

  it('from a function that gives the same again is not tried again', async () => {
    vault.on(PATH, denied);
    let asked = 0;
    const link = linkOf({ method: 'token', token: () => (asked++, FIRST) });

    expect(await failure(link.request(get()))).toMatchObject({ name: 'KeyAccessDeniedError' });
    expect(tokens()).toEqual([FIRST]);
    expect(asked).toBe(2);
  });

  it('refused to many at once is asked for once', async () => {
    let asked = 0;
    const link = linkOf({ method: 'token', token: async () => (asked++ === 0 ? FIRST : SECOND) });
    vault.on(PATH, denying(FIRST));

    await Promise.all(Array.from({ length: 5 }, () => link.request(get())));

    expect(asked).toBe(2);
    expect(tokens().toSorted()).toEqual([FIRST, FIRST, FIRST, FIRST, FIRST, SECOND, SECOND, SECOND, SECOND, SECOND]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['throws', () => Promise.reject(new Error('no file')), /`auth.token` function failed/],
    ['gives nothing', () => undefined, /visible ASCII characters, got undefined/],
    ['gives an empty text', () => ' \n', /got an empty string/],
    ['gives two lines', () => `${FIRST}\n${SECOND}`, /got other characters/],
  ])('function that %s: an error that a key in use outlives', async (_, token, message) => {
    const error = await failure(linkOf({ method: 'token', token: token as () => string }).request(get()));

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true, message: expect.stringMatching(message) });
    expect(vault.requests).toEqual([]);
    assertNoSecret(error, FIRST);
  });

  it('function that never answers is given five seconds', async () => {
    const link = linkOf({ method: 'token', token: () => new Promise(() => undefined) });
    const answer = failure(link.request(get()));
    await clock.advance(5_000);

    expect(await answer).toMatchObject({ name: 'KeyTimeoutError', retryable: true });
  });
});

describe('a login with AppRole', () => {
  it('is made once for all requests, at its mount, in the namespace', async () => {
    vault.on('auth/team/roles/login', granted(FIRST));
    const link = appRole({ mount: 'team/roles' });

    await Promise.all([link.request(get()), link.request(get()), link.request(get())]);
    await link.request(get());

    const [login, ...rest] = vault.seen;
    expect(login).toMatchObject({
      request: 'POST auth/team/roles/login',
      headers: { 'x-vault-namespace': 'gold', 'x-vault-request': 'true' },
      body: { role_id: 'role-of-a-test', secret_id: SECRET_ID },
    });
    expect(login?.headers).not.toHaveProperty('x-vault-token');
    expect(rest.map(({ request }) => request)).toEqual(Array.from({ length: 4 }, () => `GET ${PATH}`));
    expect(new Set(tokens())).toEqual(new Set([FIRST]));
  });

  it('reads the secret id before each login', async () => {
    vault.on(LOGIN, granted(FIRST), granted(SECOND));
    vault.on(PATH, denied, good);
    const given = ['secret-id-one', 'secret-id-two'];

    await appRole({ secretId: async () => given.shift() ?? '' }).request(get());

    expect(vault.seen.filter(({ request }) => request.endsWith('login')).map(({ body }) => body)).toEqual([
      { role_id: 'role-of-a-test', secret_id: 'secret-id-one' },
      { role_id: 'role-of-a-test', secret_id: 'secret-id-two' },
    ]);
  });

  it('is made again when its token is refused, once, and the request repeated, a write too', async () => {
    vault.on(LOGIN, granted(FIRST), granted(SECOND), granted(THIRD));
    vault.on(PATH, denied, { status: 204 }, denied);
    const link = appRole();

    expect(await link.request(get({ method: 'POST', body: {} }))).toMatchObject({ status: 204 });
    const error = await failure(link.request(get()));

    expect(error).toMatchObject({ name: 'KeyAccessDeniedError', retryable: false });
    expect(tokens()).toEqual([FIRST, SECOND, SECOND, THIRD]);
    for (const secret of [FIRST, SECOND, THIRD, SECRET_ID]) assertNoSecret(error, secret);
  });

  it('is made once when many are refused at once', async () => {
    vault.on(LOGIN, granted(FIRST), granted(SECOND));
    vault.on(PATH, denying(FIRST));
    const link = appRole();

    await Promise.all(Array.from({ length: 5 }, () => link.request(get())));

    expect(count(LOGIN)).toBe(2);
  });

  it.each([400, 403, 404])('refused with %i: credentials, so that a key in use serves on', async (status) => {
    vault.on(LOGIN, errors(status, `invalid role or secret ID ${SECRET_ID}`));

    const error = await failure(appRole().request(get()));

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringMatching(/the AppRole login .*check `auth.roleId`, `auth.secretId`/),
    });
    expect(vault.requests).toEqual([`POST ${LOGIN}`]);
    assertNoSecret(error, SECRET_ID);
  });

  it('refused after its token was refused: denied, with the login’s error as the cause', async () => {
    vault.on(LOGIN, granted(FIRST), errors(400, 'invalid role or secret ID'));
    vault.on(PATH, denied);

    expect(await failure(appRole().request(get()))).toMatchObject({
      name: 'KeyAccessDeniedError',
      retryable: false,
      cause: { name: 'KeyProviderError', message: expect.stringContaining('the AppRole login') },
    });
  });

  it('not to be had after its token was refused: the store is down', async () => {
    vault.on(LOGIN, granted(FIRST), errors(501));
    vault.on(PATH, denied);
    expect(await failure(appRole().request(get()))).toMatchObject({ name: 'KeyProviderError', retryable: true });
  });

  it('cut on the way is made again, also before a write', async () => {
    vault.on(LOGIN, resetConnection, granted(FIRST));
    const answer = appRole().request(get({ method: 'POST', body: {} }));
    await expect.poll(() => count(LOGIN)).toBe(1);
    await expect.poll(async () => (await clock.advance(50), count(LOGIN))).toBe(2);

    expect(await answer).toEqual(good);
  });

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['a second factor to ask for', { auth: { client_token: '', mfa_requirement: {}, lease_duration: 0 } }],
    ['a lease of no number', { auth: { client_token: FIRST, lease_duration: 'long' } }],
  ])('that brings %s is an error', async (_, body) => {
    vault.on(LOGIN, { status: 200, body });
    const error = await failure(appRole().request(get()));

    expect(error).toMatchObject({ name: 'KeyProviderError', message: expect.stringContaining('without a token') });
    assertNoSecret(error, FIRST);
  });

  it('goes on for others when the one who began it leaves', async () => {
    const leaving = new AbortController();
    let send: (() => void) | undefined;
    const secretId = (): Promise<string> => new Promise((resolve) => (send = () => resolve(SECRET_ID)));
    vault.on(LOGIN, granted(FIRST));
    const link = appRole({ secretId });
    const first = failure(link.request(get({ signal: leaving.signal })));
    const second = link.request(get());
    await expect.poll(() => send).toBeDefined();
    leaving.abort(new Error('gone'));
    send?.();

    expect(await first).toMatchObject({ message: 'gone' });
    expect(await second).toEqual(good);
    expect(count(LOGIN)).toBe(1);
  });
});

describe('the life of a token', () => {
  it('two thirds of it pass without another word, then a request has it renewed behind its back', async () => {
    vault.on(LOGIN, granted(FIRST, 90));
    vault.on(RENEW, granted(FIRST, 90));
    const link = appRole();
    await link.request(get());
    await clock.advance(59_999);
    await link.request(get());
    expect(count(RENEW)).toBe(0);

    await clock.advance(1);
    await Promise.all([link.request(get()), link.request(get())]);
    await expect.poll(() => count(RENEW)).toBe(1);
    expect(vault.seen.find(({ request }) => request.endsWith(RENEW))?.headers).toMatchObject({
      'x-vault-token': FIRST,
      'x-vault-namespace': 'gold',
    });
    await settled();
    await clock.advance(59_999);
    await link.request(get());

    expect(count(RENEW)).toBe(1);
    expect(count(LOGIN)).toBe(1);
  });

  it.each<[string, boolean, Parameters<VaultLike['on']>[1]]>([
    ['that cannot be renewed', false, denied],
    ['whose renewal is refused', true, denied],
    ['whose renewal fails', true, resetConnection],
    ['near its longest life', true, granted(FIRST, 40)],
  ])('%s: a new login takes its place', async (_, renewable, renewal) => {
    vault.on(LOGIN, granted(FIRST, 90, renewable), granted(SECOND, 90));
    vault.on(RENEW, renewal);
    const link = appRole();
    await link.request(get());
    await clock.advance(60_000);
    await link.request(get());
    await expect.poll(() => count(LOGIN)).toBe(2);
    await settled();
    await link.request(get());

    expect(tokens()).toEqual([FIRST, FIRST, SECOND]);
    expect(count(RENEW)).toBe(renewable ? 1 : 0);
  });

  it('is used to its end when neither renewal nor login can be had', async () => {
    vault.on(LOGIN, granted(FIRST, 90), errors(501));
    vault.on(RENEW, errors(500));
    const link = appRole();
    await link.request(get());
    await clock.advance(60_000);
    await link.request(get());
    await expect.poll(() => count(LOGIN)).toBe(2);
    await settled();
    await clock.advance(29_999);
    expect(await link.request(get())).toEqual(good);
    await expect.poll(() => count(LOGIN)).toBe(3);
    await settled();
    await clock.advance(1);

    expect(await failure(link.request(get()))).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(tokens()).toEqual([FIRST, FIRST, FIRST]);
  });

  it('passes while the process is frozen', async () => {
    vault.on(LOGIN, granted(FIRST, 90), granted(SECOND, 90));
    const link = appRole();
    await link.request(get());
    clock.freeze(90_000);
    await link.request(get());

    expect(tokens()).toEqual([FIRST, SECOND]);
    expect(count(RENEW)).toBe(0);
  });

  it('passes also when the wall clock is set back', async () => {
    vault.on(LOGIN, granted(FIRST, 90), granted(SECOND, 90));
    const link = appRole();
    await link.request(get());
    clock.setWall(0);
    await clock.advance(90_000);
    await link.request(get());

    expect(tokens()).toEqual([FIRST, SECOND]);
  });

  it('never ends when Vault says 0', async () => {
    vault.on(LOGIN, granted(FIRST, 0));
    const link = appRole();
    await link.request(get());
    await clock.advance(2_000_000_000);
    await link.request(get());

    expect(vault.requests).toEqual([`POST ${LOGIN}`, `GET ${PATH}`, `GET ${PATH}`]);
  });
});

/** What runs behind a request, whose answer has been sent, gets the turns to read it. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
