import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import { startFakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { formsOf, run, temporaryFolder } from '../run.js';

const KEY = 'sk"test/+&=0123456';
const ANY_CIPHER = ['--key-id', 'alias/gold', '--encryption-context', '{}'];
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

describe('--store', () => {
  it('takes the key from a file', async () => {
    const path = join(folder.path, 'api.key');
    await writeFile(path, `${KEY}\n`, { mode: 0o600 });

    const ran = await run(['verify', '--store', `file://${path}`, '--json']);

    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY), length: KEY.length });
    for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  });

  it('takes the key from the environment, and says which store gave the price', async () => {
    vi.stubEnv('GOLD_API_KEY', KEY);
    await using api = await startFakePriceApi({ keys: [KEY] });

    const ran = await run(['price', '--store', 'env://GOLD_API_KEY', '--api-url', api.url]);

    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/The environment store was called once/);
    for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  });

  it('names what is wrong with a file that is none', async () => {
    const path = join(folder.path, 'a-folder');
    await mkdir(path);

    const ran = await run(['verify', '--store', `file://${path}`]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^goldkey: [^\n]+\n$/);
  });

  it.each([
    [['verify', '--store', 'ftp://x'], '--store must start with vault://'],
    [['verify', '--store', 'sk-pasted-by-mistake'], '--store must start with vault://'],
    [['verify', '--store', 'vault://secret'], 'must name a mount and a path'],
    [['verify', '--store', 'vault-transit://transit/gold'], '--ciphertext-file and --encryption-context are required'],
    [['verify', '--store', 'azure-key-vault://host'], 'must name a vault and a secret'],
    [['verify', '--store', 'azure-key-vault://a:pasted-by-mistake/key'], 'must name a vault and a secret'],
    [['verify', '--store', 'azure-key-vault://[pasted-by-mistake/key'], 'must name a vault and a secret'],
    [['verify', '--store', 'ssm://'], 'ssm:// must be followed by a name'],
    [['verify', '--ring', 'dynamodb://%pasted-by-mistake', ...ANY_CIPHER], '--ring is not a valid URL'],
    [['verify', '--ring', 'dynamodb://rings/100%pasted-by-mistake', ...ANY_CIPHER], '--ring is not a valid URL'],
    [['verify', '--ring', 'rediss://host/0/%pasted-by-mistake', ...ANY_CIPHER], '--ring is not a valid URL'],
    [['verify', '--store', 'env://A', '--local', '--master-key', 'm'], '--local and --store cannot be used together'],
    [
      ['encrypt', '--store', 'vault://secret/gold', '--encryption-context', '{}'],
      '--store must start with vault-transit:// to encrypt a key',
    ],
    [['encrypt', '--store', 'vault-transit://transit/gold'], '--encryption-context is required'],
  ])('%s exits 2', async (argv, message) => {
    const ran = await run(argv, { piped: KEY });

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).not.toContain('pasted-by-mistake');
  });
});
