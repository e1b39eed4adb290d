import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { failure } from '../loading.js';
import { FIRST, JWT, jwtScene, NEXT_JWT, PATH, SECOND } from './jwt-scene.js';
import { errors, granted } from './vault-like.js';

const LOGIN = 'auth/kubernetes/login';
const scene = jwtScene();

const read = (auth: Partial<Extract<VaultAuth, { method: 'kubernetes' }>> = {}): (() => Promise<unknown>) =>
  scene.read({ method: 'kubernetes', role: 'gold-role', jwtFile: scene.jwtFile, ...auth });

describe('a login with Kubernetes', () => {
  it('sends the role and the service account’s token, once for all requests', async () => {
    scene.vault.on(LOGIN, granted(FIRST));
    const get = read();

    await Promise.all([get(), get()]);
    await get();

    expect(scene.vault.seen.filter(({ request }) => request === `POST ${LOGIN}`).map(({ body }) => body)).toEqual([
      { role: 'gold-role', jwt: JWT },
    ]);
    expect(scene.vault.seen.at(-1)?.headers['x-vault-token']).toBe(FIRST);
  });

  it('reads the file again before the next login', async () => {
    scene.vault.on(LOGIN, granted(FIRST), granted(SECOND));
    const get = read();
    await get();
    await writeFile(scene.jwtFile, NEXT_JWT);
    scene.vault.on(PATH, errors(403, 'permission denied'), { status: 200, body: { data: {} } });

    await get();

    expect(scene.vault.seen.filter(({ request }) => request === `POST ${LOGIN}`).map(({ body }) => body)).toEqual([
      { role: 'gold-role', jwt: JWT },
      { role: 'gold-role', jwt: NEXT_JWT },
    ]);
  });

  it('goes to the mount given', async () => {
    scene.vault.on('auth/clusters/west/login', granted(FIRST));

    await read({ mount: 'clusters/west' })();

    expect(scene.vault.requests[0]).toBe('POST auth/clusters/west/login');
  });

  it('refused: credentials, so that a key in use serves on; nothing of the token is shown', async () => {
    scene.vault.on(LOGIN, errors(403, `service account name not authorized ${JWT}`));
    const error = await failure(read()());

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(String(error)).toMatch(/the Kubernetes login .*check `auth.role`, the service account/);
    assertNoSecret(error, JWT);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['is empty', () => writeFile(scene.jwtFile, '\n'), /has no service account token/],
    ['holds more than a token', () => writeFile(scene.jwtFile, `${JWT} ${JWT}`), /has no service account token/],
    ['is not there', () => undefined, /cannot be read; check `auth.jwtFile`/],
    ['is a pipe', () => execFileSync('mkfifo', [scene.jwtFile]), /cannot be read; check `auth.jwtFile`/],
    ['is a directory', () => mkdir(scene.jwtFile), /cannot be read; check `auth.jwtFile`/],
    [
      'leads to a device that never ends',
      () => symlink('/dev/zero', scene.jwtFile),
      /cannot be read; check `auth.jwtFile`/,
    ],
    ['has 3 MB', () => writeFile(scene.jwtFile, 'a'.repeat(3_000_000)), /cannot be read; check `auth.jwtFile`/],
  ])('a file that %s is named, and a key in use outlives it', async (title, prepare, message) => {
    if (/^(is a|leads)/.test(title)) await rm(scene.jwtFile);
    await prepare();
    const given = title === 'is not there' ? join(scene.folder, 'none') : scene.jwtFile;
    const error = await failure(read({ jwtFile: given })());

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true, message: expect.stringMatching(message) });
    expect(scene.vault.requests).toEqual([]);
    assertNoSecret(error, JWT);
  });
});
