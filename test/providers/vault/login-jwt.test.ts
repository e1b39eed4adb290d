import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { failure } from '../loading.js';
import { FIRST, JWT, jwtScene, NEXT_JWT, PATH, SECOND } from './jwt-scene.js';
import { errors, granted } from './vault-like.js';

const LOGIN = 'auth/jwt/login';
const scene = jwtScene();

const read = (auth: Partial<Extract<VaultAuth, { method: 'jwt' }>>): (() => Promise<unknown>) =>
  scene.read({ method: 'jwt', role: 'gold-role', ...auth });
const logins = (): unknown[] =>
  scene.vault.seen.filter(({ request }) => request.endsWith('/login')).map(({ request, body }) => [request, body]);

describe('a login with a JSON Web Token', () => {
  it.each([
    ['given', { jwt: JWT }],
    ['of a function', { jwt: () => ` ${JWT}\n` }],
    ['of an async function', { jwt: () => Promise.resolve(JWT) }],
  ])('sends the role and the token %s, once for all requests', async (_, auth) => {
    scene.vault.on(LOGIN, granted(FIRST));
    const get = read(auth);

    await Promise.all([get(), get()]);

    expect(logins()).toEqual([[`POST ${LOGIN}`, { role: 'gold-role', jwt: JWT }]]);
    expect(scene.vault.seen.at(-1)?.headers['x-vault-token']).toBe(FIRST);
  });

  it('reads the file again before the next login', async () => {
    scene.vault.on(LOGIN, granted(FIRST), granted(SECOND));
    const get = read({ jwtFile: scene.jwtFile });
    await get();
    await writeFile(scene.jwtFile, NEXT_JWT);
    scene.vault.on(PATH, errors(403, 'permission denied'), { status: 200, body: { data: {} } });

    await get();

    expect(logins()).toEqual([
      [`POST ${LOGIN}`, { role: 'gold-role', jwt: JWT }],
      [`POST ${LOGIN}`, { role: 'gold-role', jwt: NEXT_JWT }],
    ]);
  });

  it('goes to the mount given', async () => {
    scene.vault.on('auth/spire/login', granted(FIRST));

    await read({ jwtFile: scene.jwtFile, mount: 'spire' })();

    expect(logins()).toEqual([['POST auth/spire/login', { role: 'gold-role', jwt: JWT }]]);
  });

  it.each([400, 403])('that Vault denies with %i names what to check, and never the token', async (status) => {
    scene.vault.on(LOGIN, errors(status, `invalid audience (aud) claim: ${JWT}`));

    const error = await failure(read({ jwtFile: scene.jwtFile })());

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      message: expect.stringMatching(/JWT login.*auth\/jwt\/login.*`auth.role`.*audience.*`auth.mount`/),
    });
    assertNoSecret(error, JWT);
  });

  it('without its file, or with an empty one, says so', async () => {
    await writeFile(scene.jwtFile, '\n');
    expect(await failure(read({ jwtFile: scene.jwtFile })())).toMatchObject({
      message: expect.stringMatching(/has no JSON Web Token; check `auth.jwtFile`/),
    });
    await rm(scene.jwtFile);
    expect(await failure(read({ jwtFile: scene.jwtFile })())).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringMatching(/JSON Web Token .* cannot be read; check `auth.jwtFile`\./),
    });
  });

  it.each([{}, { jwt: JWT, jwtFile: 'file' }])('needs either the token or its file: %j is refused', (auth) => {
    expect(() => read(auth)).toThrow(/`auth` must have either `jwt` or `jwtFile`/);
  });
});
