import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { temporaryFolder } from '../cli/run.js';
import { built, finishedWithout, missing } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const EMERGENCY = 'sk-invented/emergency+&=98765';
const PRICE = 'XAU 2199.51 USD\n';
const finished = finishedWithout(KEY, EMERGENCY);

let kms: FakeKms;
let api: FakePriceApi;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;

beforeAll(async () => {
  [kms, api, folder] = await Promise.all([
    startFakeKms(),
    startFakePriceApi({ keys: [KEY, EMERGENCY] }),
    temporaryFolder(),
  ]);
  env = { PATH: process.env['PATH'] ?? '', PRICE_API_URL: api.url };
});
afterAll(() => Promise.all([kms.close(), api.close(), folder[Symbol.asyncDispose]()]));

describe.skipIf(!built)(`the examples of files, environment and chains ${missing}`, () => {
  it('file.mjs prints a price with the key of a mounted secret', async () => {
    const path = join(folder.path, 'gold-api-key');
    await writeFile(path, `${KEY}\n`, { mode: 0o600 });

    const good = await finished(['examples/stores/file.mjs'], { ...env, KEY_FILE: path });
    const absent = await finished(['examples/stores/file.mjs'], { ...env, KEY_FILE: `${path}.none` });

    expect(good).toEqual({ code: 0, stdout: PRICE, stderr: '' });
    expect(absent).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/The key file .* does not exist/),
    });
  });

  it('environment.mjs prints a price, and refuses to in production', async () => {
    const good = await finished(['examples/stores/environment.mjs'], { ...env, GOLD_API_KEY: KEY });
    const refused = await finished(['examples/stores/environment.mjs'], {
      ...env,
      GOLD_API_KEY: KEY,
      NODE_ENV: 'production',
    });

    expect(good).toEqual({ code: 0, stdout: PRICE, stderr: '' });
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('allowInProduction') });
  });

  it('chain.mjs asks the second region, and the emergency key only when its seal is broken', async () => {
    const emergency = join(folder.path, 'emergency');
    const seal = join(folder.path, 'seal');
    await writeFile(emergency, EMERGENCY, { mode: 0o600 });
    const chained = {
      ...env,
      GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, { service: 'gold-data-stream', environment: 'production' }),
      EMERGENCY_KEY_FILE: emergency,
      SEAL_FILE: seal,
      AWS_ENDPOINT_URL_KMS: kms.url,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'invented',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };

    // The first region's three attempts fail.
    kms.inject('internal', { times: 3, operation: 'Decrypt' });
    const second = await finished(['examples/stores/chain.mjs'], chained);
    kms.inject('access-denied', { times: Infinity, operation: 'Decrypt' });
    const sealed = await finished(['examples/stores/chain.mjs'], chained);
    await writeFile(seal, '');
    const open = await finished(['examples/stores/chain.mjs'], chained);

    expect(second).toEqual({ code: 0, stdout: PRICE, stderr: '' });
    expect(sealed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('KeyAccessDeniedError') });
    expect(open).toMatchObject({ code: 0, stdout: PRICE, stderr: expect.stringContaining('critical: the emergency') });
  });
});
