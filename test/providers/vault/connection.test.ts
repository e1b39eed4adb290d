import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VAULT, createRetryDelay, VaultFailure } from '../../../src/providers/vault/errors.js';
import { isStaleCas } from '../../../src/providers/vault/kv.js';
import { createVaultClient, type VaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultRequest } from '../../../src/providers/vault/http.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { manualClock } from '../../../src/testing/manual-clock.js';
import { resetConnection, sendTruncated } from '../../../src/testing/http/loopback-server.js';
import { failure, hurriedClock } from '../loading.js';
import { errors, vaultLike, type Reply, type VaultLike } from './vault-like.js';

const TOKEN = 'hvs.invented-token-0123456789';
const VALUE = 'sk-invented/+&=0123456789';
const PATH = 'secret/data/gold';
const good = { status: 200, body: { data: { data: { key: VALUE } } } };
const reset: Reply = resetConnection;
const silent: Reply = () => undefined;
let vault: VaultLike;
let link: VaultClient;

beforeAll(async () => {
  vault = await vaultLike();
});
beforeEach(() => {
  vault.reset();
  link = createVaultClient('vaultRing', { address: vault.url, auth: { method: 'token', token: TOKEN } });
});
afterEach(() => {
  link.close();
});
afterAll(() => vault[Symbol.asyncDispose]());

/** A request whose waits pass in no time, apart from the two seconds it may take. */
function hurried(): ReturnType<typeof hurriedClock> {
  const clock = hurriedClock();
  const { setTimeout: soon } = clock;
  return {
    ...clock,
    setTimeout: (callback, ms) => (ms >= 2_000 ? { cancel: () => undefined } : soon(callback, ms)),
  };
}
const get = (more: Partial<VaultRequest> = {}): VaultRequest => ({
  method: 'GET',
  path: PATH,
  operation: 'the read of the key ring',
  clock: hurried(),
  ...more,
});
const write = (more: Partial<VaultRequest> = {}): VaultRequest =>
  get({ method: 'POST', body: { options: { cas: 1 }, data: { key: VALUE } }, ...more });

describe('a request to Vault', () => {
  it('brings the token, says that it is one of Vault’s, and gets JSON back', async () => {
    vault.on(`${PATH}?version=2`, good);

    const answer = await link.request(get({ path: `${PATH}?version=2`, headers: { 'X-Vault-Token': 'mine' } }));

    expect(answer).toEqual(good);
    expect(vault.seen).toMatchObject([
      { request: `GET ${PATH}?version=2`, headers: { 'x-vault-request': 'true' }, body: undefined },
    ]);
    expect(vault.seen[0]?.headers['x-vault-token']).toBe(TOKEN);
    expect(vault.seen[0]?.headers).not.toHaveProperty('x-vault-namespace');
  });

  it('sends a body as JSON, or as what its header says', async () => {
    vault.on(PATH, { status: 204 });
    const patch = { 'content-type': 'application/merge-patch+json' };

    expect(await link.request(write())).toEqual({ status: 204, body: undefined });
    await link.request(write({ method: 'PATCH', headers: patch }));

    expect(vault.seen).toMatchObject([
      { headers: { 'content-type': 'application/json' }, body: { options: { cas: 1 }, data: { key: VALUE } } },
      { request: `PATCH ${PATH}`, headers: patch },
    ]);
  });

  it('goes below the path of the address', async () => {
    const behind = createVaultClient('vaultRing', {
      address: `${vault.url}/team/vault/`,
      auth: { method: 'token', token: TOKEN },
      namespace: 'gold',
    });
    vault.on(PATH, good);

    expect(await behind.request(get())).toEqual(good);
    behind.close();

    expect(vault.seen[0]?.headers).toMatchObject({ 'x-vault-token': TOKEN, 'x-vault-namespace': 'gold' });
  });

  it('leaves a 404 to the caller, body and all, and what the caller accepts', async () => {
    const deleted = { data: { data: null, metadata: { deletion_time: '2026-11-01T00:00:00Z' } } };
    vault.on(
      PATH,
      { status: 404, body: deleted },
      errors(400, 'check-and-set parameter did not match the current version'),
    );

    expect(await link.request(get())).toEqual({ status: 404, body: deleted });
    const lost = await link.request(write({ accept: [400] }));

    expect(lost.status).toBe(400);
    expect(isStaleCas(lost)).toBe(true);
    expect(isStaleCas({ ...lost, body: { errors: ['no data provided'] } })).toBe(false);
    expect(isStaleCas({ status: 404, body: undefined })).toBe(false);
  });

  it('many at once share the connections, fail alone, and are no leak to Node.js', async () => {
    vault.on(PATH, good);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const all = await Promise.allSettled([
      ...Array.from({ length: 40 }, () => link.request(get())),
      link.request(get({ path: 'secret/data/none', accept: [] })),
    ]);

    process.off('warning', onWarning);

    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(warnings).toEqual([]);
    expect(vault.requests).toHaveLength(41);
  });
});

describe('what Vault answers for good', () => {
  it.each<[string, Reply, object, RegExp]>([
    ['denied', errors(403, `permission denied ${TOKEN}`), { name: 'KeyAccessDeniedError', retryable: false }, /`read`/],
    ['a bad request', errors(400, `odd ${VALUE}`), { name: 'KeyProviderError', retryable: true }, /check the path/],
    ['a method not there', errors(405), { name: 'KeyProviderError', retryable: true }, /does not take this method/],
    ['a disaster secondary', errors(472), { name: 'KeyProviderError', retryable: true }, /disaster recovery/],
    ['a performance standby', errors(473), { name: 'KeyProviderError', retryable: true }, /performance standby/],
    ['not initialised', errors(501), { name: 'KeyProviderError', retryable: true }, /not been initialised/],
    ['a teapot', errors(418), { name: 'KeyProviderError', retryable: true }, /not expected/],
    [
      'a redirect',
      { status: 307, headers: { location: 'http://127.0.0.1:1/v1/secret' } },
      { name: 'KeyProviderError', retryable: true },
      /redirect, which is not followed/,
    ],
    ['a page', { status: 200, text: `<p>${VALUE}</p>` }, { name: 'KeyProviderError', retryable: true }, /its JSON/],
    ['a firewall', { status: 403, text: '<p>?</p>' }, { name: 'KeyProviderError', retryable: true }, /its JSON.*proxy/],
    ['a gate', { status: 401 }, { name: 'KeyProviderError', retryable: true }, /not expected/],
    ['a page for 404', { status: 404, text: '<p>?</p>' }, { name: 'KeyProviderError', retryable: true }, /its JSON/],
    ['an empty 404', { status: 404 }, { name: 'KeyProviderError', retryable: true }, /its JSON/],
    [
      'a body without end',
      { status: 200, text: VALUE.padEnd(1_048_577) },
      { name: 'KeyProviderError', retryable: true },
      /over 1 MB/,
    ],
    [
      'garbage',
      (response) => void response.socket?.end(`${VALUE} is no HTTP\r\n\r\n`),
      { name: 'KeyProviderError', retryable: true },
      /does not speak HTTP/,
    ],
    [
      'a quota for longer than it makes sense to wait',
      { status: 429, headers: { 'retry-after': '30' }, body: { errors: [] } },
      { name: 'KeyProviderError', retryable: true, retryAfter: 30_000 },
      /rate limit/,
    ],
  ])('%s is not asked for again', async (_, reply, expected, message) => {
    vault.on(PATH, reply);

    const error = (await failure(link.request(get()))) as Error;

    expect(error).toMatchObject({ ...expected, provider: VAULT });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`the read of the key ring (GET ${PATH})`);
    expect(vault.requests).toEqual([`GET ${PATH}`]);
    assertNoSecret(error, TOKEN);
    assertNoSecret(error, VALUE);
  });
});

describe('what may pass', () => {
  it.each<[string, Reply, object, RegExp]>([
    ['sealed', errors(503, 'Vault is sealed'), { name: 'KeyProviderError' }, /it is sealed; unseal it/],
    ['under maintenance', { status: 503, text: 'busy' }, { name: 'KeyProviderError' }, /status 503: the server failed/],
    [
      'a standby alone',
      errors(500, 'local node not active but active cluster node not found'),
      { name: 'KeyProviderError' },
      /standby and knows of no active one/,
    ],
    ['a fault', errors(500, `internal ${VALUE}`), { name: 'KeyProviderError' }, /status 500: the server failed/],
    ['a bad gateway', { status: 502, text: '<p>' }, { name: 'KeyProviderError' }, /status 502/],
    ['behind the cluster', errors(412), { name: 'KeyProviderError' }, /not caught up/],
    ['a quota', errors(429), { name: 'KeyProviderError' }, /rate limit/],
    ['a reset', reset, { name: 'KeyProviderError' }, /could not be reached.*\(\w+\)/],
    [
      'half an answer',
      (response) => sendTruncated(response, 200, {}, JSON.stringify(good.body)),
      { name: 'KeyProviderError' },
      /cut the connection/,
    ],
  ])('%s: a read is sent three times, then fails as retryable', async (_, reply, expected, message) => {
    vault.on(PATH, reply);

    const error = (await failure(link.request(get()))) as Error;

    expect(error).toMatchObject({ ...expected, retryable: true, provider: VAULT });
    expect(error.message).toMatch(message);
    expect(vault.requests).toHaveLength(3);
    assertNoSecret(error, TOKEN);
    assertNoSecret(error, VALUE);
  });

  it('one failure costs one pause, of about 100 ms, or a second for a quota', async () => {
    vault.on(PATH, reset, good);
    const once = hurried();
    expect(await link.request(get({ clock: once }))).toEqual(good);

    vault.on(PATH, errors(429), errors(429), good);
    const quota = hurried();
    expect(await link.request(get({ clock: quota }))).toEqual(good);

    expect(once.waits).toEqual([expect.toSatisfy((ms) => ms >= 50 && ms <= 100)]);
    expect(quota.waits).toEqual([
      expect.toSatisfy((ms) => ms >= 500 && ms <= 1_000),
      expect.toSatisfy((ms) => ms >= 1_000 && ms <= 2_000),
    ]);
  });

  it('a short Retry-After is waited for', async () => {
    vault.on(PATH, { status: 503, headers: { 'retry-after': '1' }, body: { errors: [] } }, good);
    const clock = hurried();

    expect(await link.request(get({ clock }))).toEqual(good);
    expect(clock.waits).toEqual([1_000]);
  });

  it('nobody listening: retried, then told with the code', async () => {
    await using gone = await vaultLike();
    const nowhere = createVaultClient('vaultRing', { address: gone.url, auth: { method: 'token', token: TOKEN } });
    await gone[Symbol.asyncDispose]();
    const clock = hurried();

    const error = await failure(nowhere.request(write({ clock })));

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringContaining('(ECONNREFUSED)'),
      cause: { code: 'ECONNREFUSED' },
    });
    expect(clock.waits).toHaveLength(2);
  });

  it('a server that says nothing is given two seconds, three times', async () => {
    vault.on(PATH, silent);
    const clock = manualClock();
    const answer = failure(link.request(get({ clock })));
    await expect.poll(() => vault.requests.length).toBe(1);
    await clock.advance(1_999);
    expect(vault.requests).toHaveLength(1);
    // The pause before each repetition is a draw.
    await expect.poll(async () => (await clock.advance(50), vault.requests.length)).toBe(2);
    await clock.advance(2_000);
    await expect.poll(async () => (await clock.advance(50), vault.requests.length)).toBe(3);
    await clock.advance(2_000);

    expect(await answer).toMatchObject({
      name: 'KeyTimeoutError',
      retryable: true,
      message: expect.stringMatching(/did not answer the read of the key ring/),
    });
  });
});

describe('a write', () => {
  it.each<[string, Reply]>([
    ['a reset', reset],
    ['a fault', errors(500)],
    ['a proxy’s 503', { status: 503, text: '<p>' }],
    ['a bad gateway', { status: 502, text: '<p>' }],
  ])('is not repeated after %s: Vault may have done it', async (_, reply) => {
    vault.on(PATH, reply, { status: 204 });

    expect(await failure(link.request(write()))).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(vault.requests).toEqual([`POST ${PATH}`]);
  });

  it('is not repeated after a time-out', async () => {
    vault.on(PATH, silent);
    const clock = manualClock();
    const answer = failure(link.request(write({ clock })));
    await expect.poll(() => vault.requests.length).toBe(1);
    await clock.advance(2_000);

    expect(await answer).toMatchObject({ name: 'KeyTimeoutError' });
    expect(vault.requests).toHaveLength(1);
  });

  it.each<[string, Reply]>([
    ['a seal', errors(503, 'Vault is sealed')],
    ['a standby', errors(500, 'local node not active but active cluster node not found')],
    ['a quota', errors(429)],
    ['a replica that is behind', errors(412)],
  ])('is repeated after %s: Vault has not looked at it', async (_, reply) => {
    vault.on(PATH, reply, { status: 204 });

    expect(await link.request(write())).toEqual({ status: 204, body: undefined });
    expect(vault.requests).toHaveLength(2);
  });

  it('is repeated when the caller says that it does no harm', async () => {
    vault.on(PATH, reset, { status: 204 });
    expect(await link.request(write({ idempotent: true }))).toMatchObject({ status: 204 });
  });

  it('a timer at rest decides by whether the request had left', () => {
    const call = { operation: 'the write', method: 'POST', path: PATH };
    const pause = createRetryDelay(false);

    expect(pause(new VaultFailure('timeout', call, { sent: false }), 0)).toBeLessThanOrEqual(100);
    expect(pause(new VaultFailure('timeout', call, { sent: true }), 0)).toBeUndefined();
    expect(pause(new VaultFailure('timeout', { ...call, loginOptions: 'the role' }), 0)).toBeLessThanOrEqual(100);
    expect(pause(new Error('anything else'), 0)).toBeUndefined();
  });
});

describe('leaving', () => {
  it('an aborted signal sends nothing, and rejects with its reason', async () => {
    const reason = new Error('no longer wanted');
    expect(await failure(link.request(get({ signal: AbortSignal.abort(reason) })))).toBe(reason);
    expect(vault.requests).toEqual([]);
  });

  it('a signal ends a request under way, and a pause', async () => {
    vault.on(PATH, silent, errors(503));
    const reason = new Error('no longer wanted');
    const [first, second] = [new AbortController(), new AbortController()];
    const clock = manualClock();

    const waiting = failure(link.request(get({ signal: first.signal, clock })));
    await expect.poll(() => vault.requests.length).toBe(1);
    first.abort(reason);
    expect(await waiting).toBe(reason);

    const pausing = failure(link.request(get({ signal: second.signal, clock })));
    await expect.poll(() => vault.requests.length).toBe(2);
    second.abort(reason);
    expect(await pausing).toBe(reason);
    await clock.advance(10_000);
    expect(vault.requests).toHaveLength(2);
  });

  it('close cuts what is under way, and a later request connects anew', async () => {
    vault.on(PATH, silent, good);
    const cut = failure(link.request(get()));
    await expect.poll(() => vault.requests.length).toBe(1);

    link.close();
    link.close();

    expect(await cut).toMatchObject({ name: 'ClientClosedError' });
    expect(await link.request(get())).toEqual(good);
    expect(vault.requests).toHaveLength(2);
  });

  it('shows no token to whoever looks at it', async () => {
    vault.on(PATH, good);
    await link.request(get());

    assertNoSecret(link, TOKEN);
    expect(JSON.stringify(link)).toBe('{}');
  });
});
