import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createVaultClient, type VaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { temporaryFolder } from '../../cli/run.js';
import { failure } from '../loading.js';
import { errors, granted, pauseless, vaultLike, type VaultLike } from './vault-like.js';

const PATH = 'secret/data/gold';
const LOGIN = 'auth/kubernetes/login';
const [FIRST, SECOND] = ['hvs.first-token-0123456789', 'hvs.second-token-0123456789'] as const;
const [JWT, NEXT_JWT] = ['eyJinvented.first.0123456789', 'eyJinvented.second.0123456789'] as const;

let vault: VaultLike;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let jwtFile: string;
const links: VaultClient[] = [];

beforeAll(async () => {
  [vault, folder] = await Promise.all([vaultLike(), temporaryFolder()]);
  jwtFile = join(folder.path, 'token');
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

function read(auth: Partial<Extract<VaultAuth, { method: 'kubernetes' }>> = {}): () => Promise<unknown> {
  const link = createVaultClient('fromVault', {
    address: vault.url,
    auth: { method: 'kubernetes', role: 'gold-role', jwtFile, ...auth },
  });
  links.push(link);
  return () => link.request({ method: 'GET', path: PATH, operation: 'the read of the key', clock: pauseless });
}

describe('a login with Kubernetes', () => {
  it('sends the role and the service account’s token, once for all requests', async () => {
    vault.on(LOGIN, granted(FIRST));
    const get = read();

    await Promise.all([get(), get()]);
    await get();

    expect(vault.seen.filter(({ request }) => request === `POST ${LOGIN}`).map(({ body }) => body)).toEqual([
      { role: 'gold-role', jwt: JWT },
    ]);
    expect(vault.seen.at(-1)?.headers['x-vault-token']).toBe(FIRST);
  });

  it('reads the file again before the next login', async () => {
    vault.on(LOGIN, granted(FIRST), granted(SECOND));
    const get = read();
    await get();
    await writeFile(jwtFile, NEXT_JWT);
    vault.on(PATH, errors(403, 'permission denied'), { status: 200, body: { data: {} } });

    await get();

    expect(vault.seen.filter(({ request }) => request === `POST ${LOGIN}`).map(({ body }) => body)).toEqual([
      { role: 'gold-role', jwt: JWT },
      { role: 'gold-role', jwt: NEXT_JWT },
    ]);
  });

  it('goes to the mount given', async () => {
    vault.on('auth/clusters/west/login', granted(FIRST));

    await read({ mount: 'clusters/west' })();

    expect(vault.requests[0]).toBe('POST auth/clusters/west/login');
  });

  it('refused: credentials, so that a key in use serves on; nothing of the token is shown', async () => {
    vault.on(LOGIN, errors(403, `service account name not authorized ${JWT}`));
    const error = await failure(read()());

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(String(error)).toMatch(/the Kubernetes login .*check `auth.role`, the service account/);
    assertNoSecret(error, JWT);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['is empty', () => writeFile(jwtFile, '\n'), /has no service account token/],
    ['holds more than a token', () => writeFile(jwtFile, `${JWT} ${JWT}`), /has no service account token/],
    ['is not there', () => undefined, /cannot be read; check `auth.jwtFile`/],
    ['is a pipe', () => execFileSync('mkfifo', [jwtFile]), /cannot be read; check `auth.jwtFile`/],
    ['is a directory', () => mkdir(jwtFile), /cannot be read; check `auth.jwtFile`/],
    ['leads to a device that never ends', () => symlink('/dev/zero', jwtFile), /cannot be read; check `auth.jwtFile`/],
    ['has 3 MB', () => writeFile(jwtFile, 'a'.repeat(3_000_000)), /cannot be read; check `auth.jwtFile`/],
  ])('a file that %s is named, and a key in use outlives it', async (title, prepare, message) => {
    if (/^(is a|leads)/.test(title)) await rm(jwtFile);
    await prepare();
    const given = title === 'is not there' ? join(folder.path, 'none') : jwtFile;
    const error = await failure(read({ jwtFile: given })());

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true, message: expect.stringMatching(message) });
    expect(vault.requests).toEqual([]);
    assertNoSecret(error, JWT);
  });
});
