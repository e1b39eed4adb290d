import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { computeFingerprint } from '../../src/core/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { formsOf, run } from '../cli/run.js';
import { startAzureKeyVault } from '../servers/azure-key-vault.js';
import { MOTO_ENV, startMoto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault } from '../servers/vault.js';

const KEY = 'sk"test/+&=0123456';
const [moto, vault] = [await orSkip(startMoto), await orSkip(startVault)];
let folder: string;
let file: string;

beforeAll(async () => {
  folder = makeTempFolder('goldkey-copy-');
  file = join(folder, 'api.key');
  await writeFile(file, KEY, { mode: 0o600 });
});
afterAll(async () => {
  await Promise.all([moto.server?.[Symbol.asyncDispose](), vault.server?.[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Copies a key in and verifies it by its fingerprint, as a user would; its version there. */
async function moved(to: string, more: readonly string[]): Promise<string> {
  const copied = await run(['copy', '--from', `file://${file}`, '--to', to, ...more, '--json']);
  expect(copied.code, copied.stderr).toBe(0);
  const verified = await run(['verify', '--store', to, ...more, '--json']);
  expect(verified.code, verified.stderr).toBe(0);
  expect(JSON.parse(verified.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY), length: KEY.length });
  for (const form of formsOf(KEY)) expect(JSON.stringify([copied, verified])).not.toContain(form);
  return (JSON.parse(verified.stdout) as { version: string }).version;
}

describe.skipIf(moto.skipped !== undefined)(`copy to AWS, on moto ${moto.skipped ?? ''}`, () => {
  const at = (): string[] => {
    for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
    return ['--endpoint-url', moto.server?.url ?? '', '--region', moto.server?.region ?? ''];
  };

  it.each(['secrets-manager://gold/key', 'secrets-manager://gold/json#apiKey', 'ssm:///gold/key'])(
    '%s: made anew, written again, read back',
    async (to) => {
      await moved(to, at());
      await moved(to, at());
    },
  );
});

describe('copy to Azure Key Vault, a stand-in behind the official client', () => {
  it('makes the secret, writes it again, and reads it back', async () => {
    await using azure = await startAzureKeyVault();
    for (const [name, value] of Object.entries(azure.environment)) vi.stubEnv(name, value);
    const to = `azure-key-vault://${new URL(azure.url).host}/gold-key`;

    const first = await moved(to, []);
    const second = await moved(to, []);

    expect(first).not.toBe(second);
  });
});

describe.skipIf(vault.skipped !== undefined)(`copy to Vault ${vault.skipped ?? ''}`, () => {
  const at = (): string[] => {
    vi.stubEnv('VAULT_ADDR', vault.server?.url);
    vi.stubEnv('VAULT_TOKEN', vault.server?.rootToken);
    return [];
  };

  it.each(['vault://secret/gold', 'vault://secret/team/gold#apiKey'])('%s: made anew, written again', async (to) => {
    await moved(to, at());
    await moved(to, at());
  });

  it('keeps the other fields of a secret', async () => {
    at();
    await vault.server?.request('POST', 'secret/data/shared', { data: { owner: 'metals', apiKey: 'an-old-key-0001' } });

    await moved('vault://secret/shared#apiKey', []);

    const { body } = (await vault.server?.request('GET', 'secret/data/shared')) ?? {};
    expect(body).toMatchObject({ data: { data: { owner: 'metals', apiKey: KEY }, metadata: { version: 2 } } });
  });

  it('takes a key to a ciphertext under the transit engine, and verifies it', async () => {
    at();
    await vault.server?.request('POST', 'sys/mounts/transit', { type: 'transit' });
    await vault.server?.request('POST', 'transit/keys/gold', {});
    const under = ['--encryption-context', 'service=gold'];

    const copied = await run(['copy', '--from', `file://${file}`, '--to', 'vault-transit://transit/gold', ...under]);
    const ciphertext = copied.stdout.trim();
    const verified = await run([
      'verify',
      '--store',
      'vault-transit://transit/gold',
      '--ciphertext',
      ciphertext,
      ...under,
      '--json',
    ]);

    expect(copied.code, copied.stderr).toBe(0);
    expect(ciphertext).toMatch(/^vault:v1:/);
    expect(JSON.parse(verified.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY) });
  });
});
