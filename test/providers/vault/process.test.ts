import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { granted, vaultLike } from './vault-like.js';

const run = promisify(execFile);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'goldkey-vault-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a process that has asked Vault', () => {
  it('ends by itself: neither the connection nor the token’s life holds it', async () => {
    await using vault = await vaultLike();
    vault.on('auth/approle/login', granted('hvs.invented-token-0123456789'));
    vault.on('secret/data/gold', { status: 200, body: {} });
    await build({
      entryPoints: [fileURLToPath(new URL('../../../src/providers/vault/connection.ts', import.meta.url))],
      outfile: join(folder, 'link.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
    const program = `
      const { createVaultClient } = require('./link.cjs');
      const auth = { method: 'approle', roleId: 'role', secretId: 'secret' };
      createVaultClient('vaultRing', { address: '${vault.url}', auth })
        .request({ method: 'GET', path: 'secret/data/gold', operation: 'the read' })
        .then(({ status }) => console.log(status));`;

    // The server would keep the connection for two minutes.
    const { stdout } = await run(process.execPath, ['-e', program], { cwd: folder, timeout: 15_000 });

    expect(stdout).toBe('200\n');
    expect(vault.requests).toEqual(['POST auth/approle/login', 'GET secret/data/gold']);
  });
});
