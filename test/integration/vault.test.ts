import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { isStaleCas } from '../../src/providers/vault/kv.js';
import { createVaultClient, type VaultClient } from '../../src/providers/vault/connection.js';
import type { VaultAuth, VaultConnection } from '../../src/providers/vault/options.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';

const VALUE = 'sk-invented/+&=0123456789';
const POLICY = 'path "secret/data/gold" { capabilities = ["create", "read", "update"] }';
const found = await orSkip(startVault);

describe.skipIf(found.skipped !== undefined)(`HashiCorp Vault ${found.skipped ?? ''}`, () => {
  const vault = found.server as Vault;
  const links: VaultClient[] = [];
  const linkOf = (options: VaultConnection): VaultClient => {
    const link = createVaultClient('vaultRing', { address: vault.url, ...options });
    links.push(link);
    return link;
  };
  const rejection = (work: Promise<unknown>): Promise<Error> => work.then(String, (error: unknown) => error) as never;
  const read = (link: VaultClient, path = 'secret/data/gold'): ReturnType<VaultClient['request']> =>
    link.request({ method: 'GET', path, operation: 'the read of the key' });
  const write = (link: VaultClient, cas: number): ReturnType<VaultClient['request']> => {
    const body = { options: { cas }, data: { key: VALUE } };
    const path = 'secret/data/gold';
    return link.request({ method: 'POST', path, body, operation: 'the write of the key', accept: [400, 404] });
  };

  /** What Vault has at a path, asked as root. */
  const data = async <T>(method: string, path: string, body?: object): Promise<T> =>
    (await vault.request(method, path, body)).body?.['data'] as T;

  /** A role with that life of its tokens, and a way to log in with it; each login is noted. */
  async function role(name: string, ttl: string): Promise<{ auth: VaultAuth; logins: string[] }> {
    const at = `auth/approle/role/${name}`;
    await vault.request('POST', at, { token_policies: 'gold', token_ttl: ttl, token_max_ttl: '1h' });
    const { role_id: roleId } = await data<{ role_id: string }>('GET', `${at}/role-id`);
    const logins: string[] = [];
    const secretId = async (): Promise<string> => {
      const { secret_id: id } = await data<{ secret_id: string }>('POST', `${at}/secret-id`);
      logins.push(id);
      return id;
    };
    return { auth: { method: 'approle', roleId, secretId }, logins };
  }

  /** The tokens of AppRole that Vault knows, by their accessors. */
  async function accessors(): Promise<string[]> {
    const { keys } = await data<{ keys: string[] }>('LIST', 'auth/token/accessors');
    const about = await Promise.all(
      keys.map((accessor) => data<{ path: string }>('POST', 'auth/token/lookup-accessor', { accessor })),
    );
    return keys.filter((_, index) => about[index]?.path === 'auth/approle/login');
  }

  beforeAll(async () => {
    await vault.request('PUT', 'sys/policies/acl/gold', { policy: POLICY });
    await vault.request('POST', 'sys/auth/approle', { type: 'approle' });
    await vault.request('POST', 'secret/data/gold', { data: { key: VALUE } });
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    for (const link of links.splice(0)) link.close();
  });
  afterAll(() => vault[Symbol.asyncDispose]());

  it('a token from the environment reads, and writes against the version it read', async () => {
    vi.stubEnv('VAULT_ADDR', vault.url);
    vi.stubEnv('VAULT_TOKEN', vault.rootToken);
    const link = linkOf({ address: undefined });

    const before = await read(link);
    const { version } = (before.body as { data: { metadata: { version: number } } }).data.metadata;
    const written = await write(link, version);
    const lost = await write(link, version);

    expect(before).toMatchObject({ status: 200, body: { data: { data: { key: VALUE } } } });
    expect(written).toMatchObject({ status: 200, body: { data: { version: version + 1 } } });
    expect([isStaleCas(written), isStaleCas(lost)]).toEqual([false, true]);
  });

  it('absent and deleted are told apart by the body of a 404', async () => {
    const link = linkOf({ auth: { method: 'token', token: vault.rootToken } });
    await vault.request('POST', 'secret/data/brief', { data: { key: VALUE } });
    await vault.request('DELETE', 'secret/data/brief');

    expect(await read(link, 'secret/data/none')).toEqual({ status: 404, body: { errors: [] } });
    expect(await read(link, 'secret/data/brief')).toMatchObject({
      status: 404,
      body: { data: { data: null, metadata: { version: 1, destroyed: false } } },
    });
  });

  it('a bad token is denied, and not shown', async () => {
    const token = 'hvs.invented-token-0123456789';
    const error = await rejection(read(linkOf({ auth: { method: 'token', token } })));

    expect(error).toMatchObject({ name: 'KeyAccessDeniedError', retryable: false });
    assertNoSecret(error, token);
  });

  it('AppRole logs in once for many requests', async () => {
    const { auth, logins } = await role('many', '1h');
    const link = linkOf({ auth });

    await Promise.all([read(link), read(link), read(link)]);

    expect(await read(link)).toMatchObject({ status: 200 });
    expect(logins).toHaveLength(1);
    const denied = await rejection(read(link, 'secret/data/other'));
    expect(denied).toMatchObject({ name: 'KeyAccessDeniedError', retryable: false });
    for (const id of logins) assertNoSecret(denied, id);
  });

  it('a token that was revoked is replaced by a new login', async () => {
    const { auth, logins } = await role('revoked', '1h');
    const link = linkOf({ auth });
    await read(link);
    for (const accessor of await accessors()) {
      await vault.request('POST', 'auth/token/revoke-accessor', { accessor });
    }

    expect(await read(link)).toMatchObject({ status: 200 });
    expect(logins).toHaveLength(2);
  });

  it('a token is renewed rather than replaced, as Vault itself tells', async () => {
    const { auth, logins } = await role('renewed', '3s');
    const link = linkOf({ auth });
    await read(link);
    const until = Date.now() + 5_000;
    // Longer than the token lives without a renewal; its life is Vault's, so that this one waits.
    while (Date.now() < until) {
      expect(await read(link)).toMatchObject({ status: 200 });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }

    expect(logins).toHaveLength(1);
  });

  it('a role that is gone: the login is refused', async () => {
    const { auth } = await role('gone', '1h');
    await vault.request('DELETE', 'auth/approle/role/gone');
    const secretId = 'invented-secret-id-0123456789';
    const error = await rejection(read(linkOf({ auth: { ...auth, secretId } as VaultAuth })));

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringContaining('the AppRole login'),
    });
    assertNoSecret(error, secretId);
  });

  it('a sealed Vault is a store that is down, until it is unsealed', async () => {
    const link = linkOf({ auth: { method: 'token', token: vault.rootToken } });
    await vault.seal();
    const error = await rejection(read(link));
    await vault.unseal();

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringContaining('it is sealed; unseal it'),
    });
    await expect.poll(() => read(link).then(({ status }) => status, String)).toBe(200);
  });
});
