import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/index.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';
import { finishedWithout, ROOT } from '../examples/start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const found = await orSkip(startVault);

describe.skipIf(found.skipped !== undefined)(`the examples for Vault ${found.skipped ?? ''}`, () => {
  const vault = found.server as Vault;
  let api: FakePriceApi;
  const env = (): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    VAULT_ADDR: vault.url,
    VAULT_TOKEN: vault.rootToken,
    PRICE_API_URL: api.url,
  });
  const run = finishedWithout(KEY, vault?.rootToken ?? '');

  beforeAll(async () => {
    expect(existsSync(join(ROOT, 'dist', 'esm', 'providers', 'vault', 'vault.js')), 'built: npm run build:js').toBe(
      true,
    );
    api = await startFakePriceApi({ keys: [KEY] });
  });
  afterAll(async () => {
    await Promise.all([api.close(), vault[Symbol.asyncDispose]()]);
  });

  it('vault.mjs prints a price with the newest version', async () => {
    await vault.request('POST', 'secret/data/gold/api-key', { data: { key: 'sk-invented-and-old' } });
    await vault.request('POST', 'secret/data/gold/api-key', { data: { key: KEY } });

    expect(await run(['examples/stores/vault.mjs'], env())).toEqual({
      code: 0,
      stdout: 'XAU 2199.51 with version 2\n',
      stderr: '',
    });
  });

  it('vault-transit.mjs encrypts the key on stdin, and prints a price with what it printed', async () => {
    await vault.request('POST', 'sys/mounts/transit', { type: 'transit' });
    await vault.request('POST', 'transit/keys/gold', {});
    const ciphertext = await new Promise<string>((resolve, reject) => {
      const child = execFile(
        process.execPath,
        ['examples/stores/vault-transit.mjs'],
        { cwd: ROOT, env: env() },
        (error, stdout) => (error === null ? resolve(stdout.trim()) : reject(error)),
      );
      child.stdin?.end(`${KEY}\n`);
    });
    const ran = await run(['examples/stores/vault-transit.mjs'], { ...env(), GOLD_API_KEY_CIPHERTEXT: ciphertext });

    expect(ciphertext).toMatch(/^vault:v1:[\w+/=]+$/);
    expect(ran).toEqual({ code: 0, stdout: 'XAU 2199.51\n', stderr: '' });
  });
});
