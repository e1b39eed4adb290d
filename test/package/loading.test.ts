import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { printed, program } from './user.js';

const KEY = 'sk-invented/+&=0123456789';
const RECORDER = new URL('record.mjs', import.meta.url).href;

let folder: string;
let kms: FakeKms;

beforeAll(async () => {
  folder = makeTempFolder('goldkey-loading-');
  kms = await startFakeKms();
});
afterAll(async () => {
  await kms.close();
  await rm(folder, { recursive: true });
});

/** The npm packages that a program loads, beside goldkey. */
async function loadedBy(source: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const record = join(folder, 'record');
  const ran = await program(source, {
    folder: inject('withPeers'),
    flags: ['--import', RECORDER],
    env: { ...env, GOLDKEY_RECORD: record },
  });
  expect(ran.code, ran.stderr).toBe(0);
  const lines = (await readFile(record, 'utf8')).split('\n');
  await rm(record);
  expect(lines.join('\n')).toContain('node_modules/goldkey/dist/');
  const names = lines.map((line) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(line.replaceAll('\\', '/'))?.[1]);
  return [...new Set(names)].filter((name) => name !== undefined && name !== 'goldkey') as string[];
}

const CLIENT = `
  import { GoldDataClient } from 'goldkey';
  import { memoryKeyProvider } from 'goldkey/testing';
  const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });`;

describe('what importing loads', () => {
  it.each([
    ['goldkey', []],
    ['goldkey/audit', []],
    ['goldkey/azure-key-vault', []],
    ['goldkey/opentelemetry', ['@opentelemetry/api']],
    ['goldkey/pool', ['lru-cache']],
    ['goldkey/chain', []],
    ['goldkey/envelope', []],
    ['goldkey/file', []],
    ['goldkey/kms', []],
    ['goldkey/kms-light', []],
    ['goldkey/lambda', []],
    ['goldkey/local', []],
    ['goldkey/prices', []],
    ['goldkey/rotation/dynamodb', []],
    ['goldkey/rotation/redis', []],
    ['goldkey/secrets-manager', []],
    ['goldkey/ssm', []],
    ['goldkey/testing', []],
    ['goldkey/rotation', []],
    ['goldkey/rotation/vault', []],
    ['goldkey/env', []],
    ['goldkey/vault', []],
    ['goldkey/hmac', []],
    ['goldkey/hmac/redis', []],
    ['goldkey/watch', []],
  ])('%s: of the packages %j', async (name, packages) => {
    expect(await loadedBy(`import '${name}';`)).toEqual(packages);
  });

  it('the root loads nothing of Node.js either', async () => {
    const ran = await program(`
      const before = new Set(process.moduleLoadList);
      await import('goldkey');
      console.log(JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name))));`);

    expect(ran).toEqual(printed('[]'));
  });
});

describe('what is loaded on first use', () => {
  it('calls that go well load no package', async () => {
    const source = `${CLIENT}
      const gold = new GoldDataClient({ keyProvider, fetchPrice: async () => 2000 });
      await gold.getPrice('XAU');
      await gold.getPrice('XAU');`;

    expect(await loadedBy(source)).toEqual([]);
  });

  it('a transient failure loads no package: p-retry is built into the core', async () => {
    const source = `${CLIENT}
      const answers = [{ status: 503 }, 2000];
      const fetchPrice = async () => { const next = answers.shift(); if (next.status) throw next; return next; };
      await new GoldDataClient({ keyProvider, fetchPrice, retry: { minTimeout: 1 } }).getPrice('XAU');`;

    expect(await loadedBy(source)).toEqual([]);
  });

  it('fromKms loads the SDK with its first key, and not undici', async () => {
    const source = `
      import { KeyedClient } from 'goldkey';
      import { fromKms } from 'goldkey/kms';
      const client = new KeyedClient({
        keyProvider: fromKms({
          ciphertext: process.env.CIPHERTEXT, encryptionContext: { a: 'b' },
          region: process.env.REGION, clientConfig: { endpoint: process.env.ENDPOINT },
        }),
      });
      if (process.env.USE) await client.withKey(async ({ apiKey }) => apiKey);`;
    const env = {
      CIPHERTEXT: kms.encrypt(KEY, { a: 'b' }),
      ENDPOINT: kms.url,
      REGION: kms.region,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'invented',
      AWS_EC2_METADATA_DISABLED: 'true',
    };

    const before = await loadedBy(source, env);
    const after = await loadedBy(source, { ...env, USE: 'yes' });

    expect(before).toEqual([]);
    expect(after).toContain('@aws-sdk/client-kms');
    for (const other of ['undici', 'lru-cache', 'commander']) expect(after).not.toContain(other);
  });

  it('fromKmsLight and metalsApi get to a first price without any package', async () => {
    await using api = await startFakePriceApi({ keys: [KEY] });
    const source = `
      import { GoldDataClient } from 'goldkey';
      import { fromKmsLight } from 'goldkey/kms-light';
      import { metalsApi } from 'goldkey/prices';
      const gold = new GoldDataClient({
        keyProvider: fromKmsLight({ ciphertext: process.env.CIPHERTEXT, encryptionContext: { a: 'b' } }),
        ...metalsApi({ baseUrl: process.env.API }),
      });
      const { price } = await gold.getPrice('XAU');
      if (!(price > 0)) throw new Error('no price');`;
    const env = {
      CIPHERTEXT: kms.encrypt(KEY, { a: 'b' }),
      API: api.url,
      AWS_REGION: kms.region,
      AWS_ENDPOINT_URL_KMS: kms.url,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'invented',
    };

    expect(await loadedBy(source, env)).toEqual([]);
    expect(api.calls.map(({ status }) => status)).toEqual([200]);
  });

  it('price calls in number load undici, in the background', async () => {
    await using api = await startFakePriceApi({ keys: [KEY] });
    const source = `${CLIENT.replace('first-key-0001', KEY)}
      import { metalsApi } from 'goldkey/prices';
      const gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: process.env.API }) });
      await Promise.all(Array.from({ length: 50 }, () => gold.getPrice('XAU')));
      await gold.getPrice('XAU');`;

    expect(await loadedBy(source, { API: api.url })).toContain('undici');
    expect(api.calls).toHaveLength(51);
  });
});
