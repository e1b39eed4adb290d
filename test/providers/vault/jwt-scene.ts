import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { createVaultClient, type VaultClient } from '../../../src/providers/vault/connection.js';
import type { VaultAuth } from '../../../src/providers/vault/options.js';
import { temporaryFolder } from '../../cli/run.js';
import { pauseless, vaultLike, type VaultLike } from './vault-like.js';

export const PATH = 'secret/data/gold';
export const [FIRST, SECOND] = ['hvs.first-token-0123456789', 'hvs.second-token-0123456789'] as const;
export const [JWT, NEXT_JWT] = ['eyJinvented.first.0123456789', 'eyJinvented.second.0123456789'] as const;

/** What the tests of a login by a token's file stand on. */
export interface JwtScene {
  readonly vault: VaultLike;
  readonly folder: string;
  /** The token's file, which holds `JWT` and a newline before each test. */
  readonly jwtFile: string;
  /** Returns a read of `PATH` with a client that logs in by `auth`. */
  read(auth: VaultAuth): () => Promise<unknown>;
}

export function jwtScene(): JwtScene {
  let parts: { vault: VaultLike; folder: Awaited<ReturnType<typeof temporaryFolder>> } | undefined;
  const links: VaultClient[] = [];
  const getParts = (): NonNullable<typeof parts> => {
    if (parts === undefined) throw new Error('There is no Vault before the first test.');
    return parts;
  };
  const scene: JwtScene = {
    get vault() {
      return getParts().vault;
    },
    get folder() {
      return getParts().folder.path;
    },
    get jwtFile() {
      return join(scene.folder, 'token');
    },
    read(auth) {
      const link = createVaultClient('fromVault', { address: scene.vault.url, auth });
      links.push(link);
      return () => link.request({ method: 'GET', path: PATH, operation: 'the read of the key', clock: pauseless });
    },
  };
  beforeAll(async () => {
    const [vault, folder] = await Promise.all([vaultLike(), temporaryFolder()]);
    parts = { vault, folder };
  });
  beforeEach(async () => {
    await rm(scene.jwtFile, { recursive: true, force: true });
    scene.vault.reset();
    scene.vault.on(PATH, { status: 200, body: { data: {} } });
    await writeFile(scene.jwtFile, `${JWT}\n`);
  });
  afterEach(() => {
    for (const link of links.splice(0)) link.close();
  });
  afterAll(async () => {
    await Promise.all([parts?.vault[Symbol.asyncDispose](), parts?.folder[Symbol.asyncDispose]()]);
  });
  return scene;
}
