import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createVaultClient, type VaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { temporaryFolder } from '../../cli/run.js';
import { failure } from '../loading.js';
import { errors, granted, pauseless, vaultLike, type VaultLike } from './vault-like.js';

const PATH = 'secret/data/gold';
const LOGIN = 'auth/jwt/login';
const [FIRST, SECOND] = ['hvs.first-token-0123456789', 'hvs.second-token-0123456789'] as const;
const [JWT, NEXT_JWT] = ['eyJinvented.first.0123456789', 'eyJinvented.second.0123456789'] as const;

let vault: VaultLike;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let jwtFile: string;
const links: VaultClient[] = [];

beforeAll(async () => {
  [vault, folder] = await Promise.all([vaultLike(), temporaryFolder()]);
  jwtFile = join(folder.path, 'svid.jwt');
});
beforeEach(async () => {
  await rm(jwtFile, { recursive: true, force: true });
  vault.reset();
  vault.on(PATH, { status: 200, body: { data: {} } });
  await writeFile(jwtFile, `${JWT}\n`);
});
afterEach(() => {
  for (const link of links.splice(0)) link.close();
});
afterAll(async () => {
  await Promise.all([vault[Symbol.asyncDispose](), folder[Symbol.asyncDispose]()]);
});

function read(auth: Partial<Extract<VaultAuth, { method: 'jwt' }>>): () => Promise<unknown> {
  const link = createVaultClient('fromVault', {
    address: vault.url,
    auth: { method: 'jwt', role: 'gold-role', ...auth },
  });
  links.push(link);
  return () => link.request({ method: 'GET', path: PATH, operation: 'the read of the key', clock: pauseless });
}
const logins = (): unknown[] =>
  vault.seen.filter(({ request }) => request.endsWith('/login')).map(({ request, body }) => [request, body]);

describe('a login with a JSON Web Token', () => {
  it.each([
    ['given', { jwt: JWT }],
    ['of a function', { jwt: () => ` ${JWT}\n` }],
    ['of an async function', { jwt: () => Promise.resolve(JWT) }],
  ])('sends the role and the token %s, once for all requests', async (_, auth) => {
    vault.on(LOGIN, granted(FIRST));
    const get = read(auth);

    await Promise.all([get(), get()]);

    expect(logins()).toEqual([[`POST ${LOGIN}`, { role: 'gold-role', jwt: JWT }]]);
    expect(vault.seen.at(-1)?.headers['x-vault-token']).toBe(FIRST);
  });

  it('reads the file again before the next login', async () => {
    vault.on(LOGIN, granted(FIRST), granted(SECOND));
    const get = read({ jwtFile });
    await get();
    await writeFile(jwtFile, NEXT_JWT);
    vault.on(PATH, errors(403, 'permission denied'), { status: 200, body: { data: {} } });

    await get();

    expect(logins()).toEqual([
      [`POST ${LOGIN}`, { role: 'gold-role', jwt: JWT }],
      [`POST ${LOGIN}`, { role: 'gold-role', jwt: NEXT_JWT }],
    ]);
  });

  it('goes to the mount given', async () => {
    vault.on('auth/spire/login', granted(FIRST));

    await read({ jwtFile, mount: 'spire' })();

    expect(logins()).toEqual([['POST auth/spire/login', { role: 'gold-role', jwt: JWT }]]);
  });

  it.each([400, 403])('that Vault denies with %i names what to check, and never the token', async (status) => {
    vault.on(LOGIN, errors(status, `invalid audience (aud) claim: ${JWT}`));

    const error = await failure(read({ jwtFile })());

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      message: expect.stringMatching(/JWT login.*auth\/jwt\/login.*`auth.role`.*audience.*`auth.mount`/),
    });
    assertNoSecret(error, JWT);
  });

  it('without its file, or with an empty one, says so', async () => {
    await writeFile(jwtFile, '\n');
    expect(await failure(read({ jwtFile })())).toMatchObject({
      message: expect.stringMatching(/has no JSON Web Token; check `auth.jwtFile`/),
    });
    await rm(jwtFile);
    expect(await failure(read({ jwtFile })())).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringMatching(/JSON Web Token .* cannot be read; check `auth.jwtFile`\./),
    });
  });

  it.each([{}, { jwt: JWT, jwtFile: 'file' }])('needs either the token or its file: %j is refused', (auth) => {
    expect(() => read(auth)).toThrow(/`auth` must have either `jwt` or `jwtFile`/);
  });
});
