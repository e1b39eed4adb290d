import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMasterKey } from '../../src/providers/local/index.js';
import type { KeyRingDocument, RingVersion } from '../../src/rotation/index.js';
import { startFakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { temporaryFolder } from '../cli/run.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';
import { finishedWithout, ROOT } from '../examples/start-example.js';

const found = await orSkip(startVault);

/** What an API of one's own offers beside its prices: to learn of keys, and to hear of changes. */
async function gateway(onKey: (key: string) => void) {
  const heard: unknown[] = [];
  const keys: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { key: string };
      if (request.method === 'PUT') {
        keys.push(body.key);
        onKey(body.key);
      } else heard.push(body);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, heard, keys };
}

describe.skipIf(found.skipped !== undefined)(`the Vault recipe ${found.skipped ?? ''}`, () => {
  it('makes a random key, keeps it with its story, announces the change and fetches with it; then once more', async () => {
    expect(
      existsSync(join(ROOT, 'dist', 'esm', 'rotation', 'stores', 'vault', 'vault.js')),
      'built: npm run build:js',
    ).toBe(true);
    const vault = found.server as Vault;
    onTestFinished(() => vault[Symbol.asyncDispose]());
    const api = await startFakePriceApi();
    onTestFinished(() => api.close());
    const { url, heard, keys } = await gateway((key) => api.accept(key));
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const masterKeyFile = join(folder.path, 'master.key');
    await createMasterKey(masterKeyFile);
    const env = {
      PATH: process.env['PATH'] ?? '',
      VAULT_ADDR: vault.url,
      VAULT_TOKEN: vault.rootToken,
      REGISTER_URL: url,
      NOTIFY_URL: url,
      MASTER_KEY_FILE: masterKeyFile,
      PRICE_API_URL: api.url,
    };
    const run = finishedWithout(vault.rootToken);

    const first = await run(['examples/rotation/rotation-vault.mjs'], env);
    const second = await run(['examples/rotation/rotation-vault.mjs'], env);

    expect(first).toEqual({ code: 0, stdout: 'XAU 2199.51 with v1\n', stderr: '' });
    expect(second).toEqual({ code: 0, stdout: 'XAU 2199.51 with v2\n', stderr: '' });
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(first.stdout + first.stderr + second.stdout + second.stderr).not.toContain(key);
    expect(heard).toMatchObject([
      { ring: 'gold', step: 'init', version: 'v1', revision: 1 },
      { ring: 'gold', step: 'stage', version: 'v2', revision: 3 },
      { ring: 'gold', step: 'promote', version: 'v2', revision: 4 },
    ]);
    const { body } = await vault.request('GET', 'secret/data/rings/gold');
    const { document } = (body as { data: { data: { document: string } } }).data.data;
    const ring = JSON.parse(document) as KeyRingDocument;
    const { metadata, rotationId = '' } = ring.versions['v2'] as RingVersion;
    expect(metadata).toEqual({ created_at: expect.any(String), rotated_by: 'rotation-vault', rotation_id: rotationId });
    const minted = await vault.request('GET', `secret/metadata/minted/${rotationId}`);
    expect(minted.body).toMatchObject({ data: { custom_metadata: metadata } });
    expect(document).not.toContain(keys[1]);
  });
});
