import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { execute, printed } from '../user.js';
import { installTools, makeProject } from './tools.js';

const KEY = 'sk-invented/+&=0123456789';
const SUBPATHS = Object.keys(manifest.exports)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => name.replace('.', 'goldkey'));

const LOADS = `
  import { createRequire } from 'node:module';
  const require = createRequire(import.meta.url);
  const names = (found) => Object.keys(found).filter((name) => !['__esModule', 'default', 'module.exports'].includes(name)).sort().join();
  let same = 0;
  for (const subpath of ${JSON.stringify(SUBPATHS)}) {
    const imported = names(await import(subpath));
    if (imported !== '' && imported === names(require(subpath))) same++;
  }
  console.log(same);`;

const REPAIR = `
  import { GoldDataClient, KeyedClient } from 'goldkey';
  import { fromKms } from 'goldkey/kms';
  import { fromKmsLight } from 'goldkey/kms-light';
  import { metalsApi } from 'goldkey/prices';
  import { memoryKeyProvider, startFakePriceApi } from 'goldkey/testing';

  const api = await startFakePriceApi({ keys: ['first-key-0001'] });
  const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });
  const gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: api.url }) });
  await gold.getPrice('XAU');
  keyProvider.set('current', 'second-key-0002');
  api.accept('second-key-0002');
  api.revoke('first-key-0001');
  console.log((await gold.getPrice('XAU')).metal, keyProvider.loads, api.calls.map(({ status }) => status).join());
  for (const burst of [1, 2]) {
    const prices = await Promise.all(Array.from({ length: 40 }, () => gold.getPrice('XAU')));
    console.log(burst, prices.length);
    // By now undici is loaded, where there is one.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await gold.close();
  await api.close();

  const stored = { ciphertext: process.env.CIPHERTEXT, encryptionContext: { a: 'b' }, region: process.env.REGION };
  const stores = [
    fromKms({ ...stored, clientConfig: { endpoint: process.env.ENDPOINT } }),
    fromKmsLight({ ...stored, endpoint: process.env.ENDPOINT }),
  ];
  for (const store of stores) {
    const client = new KeyedClient({ keyProvider: store });
    console.log(await client.withKey(async ({ apiKey }) => apiKey.length));
    await client.close();
  }`;

describe.each([
  ['bun', ['run']],
  ['deno', ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual', '--quiet']],
] as const)('%s', (name, flags) => {
  let binary: string;
  let project: string;
  let kms: FakeKms;
  beforeAll(async () => {
    const tools = await installTools(name);
    binary = join(tools, 'node_modules', '.bin', name);
    project = await makeProject(tools, { 'loads.mjs': LOADS, 'repair.mjs': REPAIR });
    kms = await startFakeKms();
  }, 600_000);
  afterAll(async () => {
    await kms.close();
    await rm(project, { recursive: true });
  });

  const run = (file: string) =>
    execute(binary, [...flags, file], project, {
      HOME: project,
      CIPHERTEXT: kms.encrypt(KEY, { a: 'b' }),
      ENDPOINT: kms.url,
      REGION: kms.region,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'invented',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    });

  it('loads every subpath by `import` and by `require`', async () => {
    expect(await run('loads.mjs')).toEqual(printed(String(SUBPATHS.length)));
  });

  it('repairs a refused call, answers bursts, and decrypts under KMS by either store', async () => {
    expect(await run('repair.mjs')).toEqual(
      printed(`XAU 2 200,401,200\n1 40\n2 40\n${String(KEY.length)}\n${String(KEY.length)}`),
    );
  });
});
