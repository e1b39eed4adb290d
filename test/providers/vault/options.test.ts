import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createVaultClient } from '../../../src/providers/vault/connection.js';
import { encodePath } from '../../../src/providers/vault/options.js';
import { failure } from '../loading.js';
import { vaultLike, type VaultLike } from './vault-like.js';

const TOKEN = 'hvs.invented-token-0123456789';
const address = 'https://vault.example:8200';
const auth = { method: 'token', token: TOKEN } as const;
const read = { method: 'GET', path: 'secret/data/gold', operation: 'the read of the key' } as const;
let vault: VaultLike;

beforeAll(async () => {
  vault = await vaultLike();
});
beforeEach(() => {
  vault.reset();
  vault.on('secret/data/gold', { status: 200, body: { data: {} } });
  for (const name of ['ADDR', 'TOKEN', 'NAMESPACE', 'CACERT']) vi.stubEnv(`VAULT_${name}`, '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(() => vault[Symbol.asyncDispose]());

describe('options of a connection to Vault', () => {
  it.each([
    [{ adress: address }, /vaultRing has no option `adress`; did you mean `address`\?/],
    [5, /vaultRing expects an options object, got 5/],
    [{ address: '' }, /`address` must be a non-empty string/],
    [{ address: 'vault.example' }, /`address` must be an absolute URL/],
    [{ address: 'unix:///run/vault.sock' }, /`address` must be an `https:` address/],
    [{ address: 'https://user:secret-0123@vault.example' }, /`address` must have no user, query or fragment/],
    [{ address: 'https://vault.example/?token=secret-0123' }, /no user, query or fragment/],
    [{ address: 'https://vault.example:8200/v1/' }, /`address` must end before `\/v1`/],
    [{ address: 'http://vault.example:8200' }, /`http:` only to loopback, or with `dangerouslyAllowHttp`/],
    [{ address: 'http://127.0.0.1.example.com/' }, /`http:` only to loopback/],
    [{ namespace: 'a b' }, /`namespace` must be made of visible/],
    [{ namespace: 'a\r\nX-Evil: b' }, /`namespace` must be made of visible/],
    [{ caFile: 5 }, /`caFile` must be a non-empty string/],
    [{ dangerouslyAllowHttp: 'yes' }, /`dangerouslyAllowHttp` must be a boolean/],
    [{ auth: 'secret-0123' }, /`auth` must be an object with a `method`, got a value of type string/],
    [
      { auth: { method: 'secret-0123' } },
      /`auth.method` must be 'token', 'approle', 'kubernetes', 'aws', 'jwt' or 'cert'/,
    ],
    [{ auth: { method: 'token' } }, /`auth.token` must be a string or a function that returns one, got undefined/],
    [{ auth: { method: 'token', token: ' ' } }, /`auth.token` must be a token of visible/],
    [{ auth: { method: 'token', token: 'secret-0123\nX: y' } }, /`auth.token` must be a token of visible/],
    [{ auth: { method: 'token', tokn: 'secret-0123' } }, /`auth` has no option `tokn`; did you mean `token`\?/],
    [{ auth: { method: 'approle', secretId: 'secret-0123' } }, /`auth.roleId` must be a non-empty string/],
    [{ auth: { method: 'approle', roleId: 'role' } }, /`auth.secretId` must be a string or a function/],
    [{ auth: { method: 'approle', roleId: 'role', secretId: 'secret-0123', mount: '../sys' } }, /`auth.mount`/],
    [{ auth: { method: 'aws' } }, /`auth.role` must be a non-empty string, got undefined/],
    [{ auth: { method: 'aws', role: 'gold', mount: 'aws/../sys' } }, /`auth.mount`/],
    [{ auth: { method: 'aws', role: 'gold', region: 'a.example/secret-0123' } }, /`auth.region` must be the name of a/],
    [{ auth: { method: 'aws', role: 'gold', secretAccessKey: 'secret-0123' } }, /`auth` has no option `secretAccess/],
    [{ auth: { method: 'kubernetes' } }, /`auth.role` must be a non-empty string, got undefined/],
    [{ auth: { method: 'kubernetes', role: 'gold', jwtFile: 5 } }, /`auth.jwtFile` must be a non-empty string/],
    [{ auth: { method: 'kubernetes', role: 'gold', jwt: 'secret-0123' } }, /`auth` has no option `jwt`; did you mean/],
  ])('%j is refused at once', (options, message) => {
    const make = (): unknown => createVaultClient('vaultRing', options as never);

    expect(make).toThrowError(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(message) }),
    );
    expect(make).not.toThrowError(/secret-0123/);
  });

  it.each([
    {},
    { address, auth },
    { address: 'http://localhost:8200' },
    { address: 'http://[::1]:8200/behind/a/proxy/' },
    { address: 'http://vault.internal', dangerouslyAllowHttp: true },
    { auth: { method: 'approle', roleId: 'role', secretId: () => 'secret', mount: '/team/approle/' } } as const,
  ])('%j is taken', (options) => {
    expect(() => createVaultClient('vaultRing', options)).not.toThrow();
  });

  it('options of the caller’s own are known by name', () => {
    const options = { address, mount: 'secret' };

    expect(() => createVaultClient('vaultRing', options, ['mount', 'path'])).not.toThrow();
    expect(() => createVaultClient('vaultRing', options, ['path'])).toThrowError(/no option `mount`/);
  });

  it('changing the object later changes nothing', async () => {
    const given = { address: vault.url, auth: { method: 'token' as const, token: TOKEN } };
    const link = createVaultClient('vaultRing', given);
    given.address = 'http://127.0.0.1:1';
    given.auth.token = 'another-token-0123';

    await link.request(read);
    link.close();

    expect(vault.seen[0]?.headers['x-vault-token']).toBe(TOKEN);
  });

  it('a path is cut into parts, and each is encoded', () => {
    expect(encodePath('path', '/team/gold data/é#?/')).toBe('team/gold%20data/%C3%A9%23%3F');
    for (const wrong of ['', '/', 'a//b', 'a/../b', '.', 5]) {
      expect(() => encodePath('path', wrong)).toThrowError(/`path`/);
    }
  });
});

describe('variables of the environment', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'goldkey-vault-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('stand in for what is not given, from the first request on', async () => {
    const link = createVaultClient('vaultRing', {});
    vi.stubEnv('VAULT_ADDR', vault.url);
    vi.stubEnv('VAULT_TOKEN', `${TOKEN}\n`);
    vi.stubEnv('VAULT_NAMESPACE', 'team/gold');

    await link.request(read);
    vi.stubEnv('VAULT_TOKEN', 'another-token-0123');
    await link.request(read);
    link.close();

    expect(vault.seen.map(({ headers }) => headers)).toEqual([
      expect.objectContaining({ 'x-vault-token': TOKEN, 'x-vault-namespace': 'team/gold', 'x-vault-request': 'true' }),
      expect.objectContaining({ 'x-vault-token': TOKEN }),
    ]);
  });

  it.each<[string, Record<string, string>, RegExp, boolean]>([
    ['no address', { VAULT_TOKEN: TOKEN }, /give `address` or set VAULT_ADDR/, true],
    ['no token', { VAULT_ADDR: address }, /give `auth` or set VAULT_TOKEN/, true],
    ['an address that is none', { VAULT_ADDR: 'vault-0123', VAULT_TOKEN: TOKEN }, /^VAULT_ADDR must be an abs/, true],
    [
      'plain http',
      { VAULT_ADDR: 'http://vault.example', VAULT_TOKEN: TOKEN },
      /^VAULT_ADDR must be.*`http:` only to loopback/,
      false,
    ],
    ['a token of two lines', { VAULT_ADDR: address, VAULT_TOKEN: `${TOKEN}\n${TOKEN}` }, /^VAULT_TOKEN must be/, true],
    ['an odd namespace', { VAULT_ADDR: address, VAULT_TOKEN: TOKEN, VAULT_NAMESPACE: 'a b' }, /^VAULT_NAMESPACE/, true],
    ['no such file', { VAULT_ADDR: address, VAULT_TOKEN: TOKEN, VAULT_CACERT: '/no/such.pem' }, /cannot be read/, true],
  ])('%s: an error that says what to set', async (_, variables, message, retryable) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);

    const error = await failure(createVaultClient('vaultRing', {}).request(read));

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      provider: 'vault',
      retryable,
      message: expect.stringMatching(message),
    });
    expect(String(error)).not.toContain(TOKEN);
  });

  it('a file without a certificate is named, and the next request looks again', async () => {
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, 'not a certificate');
    const link = createVaultClient('vaultRing', { address: vault.url, auth, caFile });

    expect(await failure(link.request(read))).toMatchObject({ message: expect.stringContaining('no PEM certificate') });
    await writeFile(caFile, '-----BEGIN CERTIFICATE-----\n');
    expect(await link.request(read)).toMatchObject({ status: 200 });
    link.close();
  });
});
