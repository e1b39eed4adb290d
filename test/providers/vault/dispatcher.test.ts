import { Agent } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createVaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultConnection } from '../../../src/providers/vault/options.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { resetConnection } from '../../../src/testing/http/loopback-server.js';
import { failure } from '../loading.js';
import { granted, pauseless, vaultLike, type VaultLike } from './vault-like.js';

const PATH = 'secret/data/gold';
const SECRET_ID = 'invented-secret-id-0123456789';
const read = { method: 'GET', path: PATH, operation: 'the read of the key', clock: pauseless } as const;
let vault: VaultLike;
let agent: Agent;

beforeAll(async () => {
  vault = await vaultLike();
  agent = new Agent();
});
beforeEach(() => {
  vault.reset();
  vault.on('auth/approle/login', granted('hvs.first-token-0123456789'));
});
afterAll(() => Promise.all([vault[Symbol.asyncDispose](), agent.close()]));

const clientWith = (more: VaultConnection = {}) =>
  createVaultClient('fromVault', {
    address: vault.url,
    auth: { method: 'approle', roleId: 'gold', secretId: SECRET_ID },
    dispatcher: agent,
    ...more,
  });

describe('a dispatcher of the caller', () => {
  it('sends every request, the login too, and is left open', async () => {
    vault.on(PATH, { status: 200, body: { data: { key: 'value' } } });
    const sent = vi.spyOn(agent, 'request');
    const client = clientWith({ namespace: 'gold' });

    expect(await client.request(read)).toEqual({ status: 200, body: { data: { key: 'value' } } });
    await client.close();

    expect(sent).toHaveBeenCalledTimes(2);
    expect(vault.seen.map(({ request, body }) => [request, body])).toEqual([
      ['POST auth/approle/login', { role_id: 'gold', secret_id: SECRET_ID }],
      [`GET ${PATH}`, undefined],
    ]);
    expect(vault.seen[1]?.headers).toMatchObject({
      'x-vault-token': 'hvs.first-token-0123456789',
      'x-vault-namespace': 'gold',
    });
    expect(agent.closed).toBe(false);
  });

  it('that meets a broken connection fails as connections of goldkey’s own do', async () => {
    vault.on(PATH, resetConnection);

    const [ours, theirs] = [
      await failure(clientWith({ dispatcher: undefined }).request(read)),
      await failure(clientWith().request(read)),
    ];

    expect(theirs).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect((theirs as Error).name).toBe((ours as Error).name);
    assertNoSecret(theirs, SECRET_ID);
  });

  it('ends a request with the signal’s reason', async () => {
    const controller = new AbortController();
    vault.on(PATH, () => controller.abort(new Error('the caller left')));

    expect(await failure(clientWith().request({ ...read, signal: controller.signal }))).toMatchObject({
      message: 'the caller left',
    });
  });

  it('excludes `caFile` and a login by certificate, and must be one', () => {
    const cert = { method: 'cert', certFile: 'svid.pem', keyFile: 'svid.key' } as const;

    expect(() => clientWith({ caFile: 'ca.pem' })).toThrow(/`dispatcher` brings its own certificates/);
    expect(() => clientWith({ auth: cert })).toThrow(/`dispatcher` brings its own certificates/);
    expect(() => clientWith({ dispatcher: {} })).toThrow(/`dispatcher` must be an undici Dispatcher/);
  });
});
