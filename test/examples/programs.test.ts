import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { formsOf, temporaryFolder } from '../cli/run.js';
import { built, finishedWithout, kmsEnvironment, missing, start } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const LOCAL_CONTEXT = { service: 'gold-data-stream' };
const KMS_CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const finished = finishedWithout(KEY);

let kms: FakeKms;
let api: FakePriceApi;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;

beforeAll(async () => {
  [kms, api, folder] = await Promise.all([startFakeKms(), startFakePriceApi(), temporaryFolder()]);
  const masterKeyFile = join(folder.path, 'master.key');
  await createMasterKey(masterKeyFile);
  const { ciphertext } = await localCipher({ masterKeyFile, encryptionContext: LOCAL_CONTEXT }).encrypt(KEY);
  await writeFile(join(folder.path, 'key.enc'), `${ciphertext}\n`);
  env = {
    PATH: process.env['PATH'] ?? '',
    PRICE_API_URL: api.url,
    MASTER_KEY_FILE: masterKeyFile,
    CIPHERTEXT_FILE: join(folder.path, 'key.enc'),
    GOLD_API_KEY_CIPHERTEXT: ciphertext,
  };
});
beforeEach(() => {
  api.accept(KEY);
});
afterAll(async () => {
  await Promise.all([kms.close(), api.close(), folder[Symbol.asyncDispose]()]);
});

const forKms = (): Record<string, string> => ({
  ...env,
  GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, KMS_CONTEXT),
  ...kmsEnvironment(kms),
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
});

describe.skipIf(!built)(`the examples ${missing}`, () => {
  it('service.mjs answers prices, shows no key, and ends on SIGTERM', async () => {
    const { child, output } = start(['examples/kms/service.mjs'], { ...forKms(), PORT: '0' });
    await expect.poll(() => output.stdout, { timeout: 10_000 }).toContain('/price/XAU');
    const url = output.stdout.trim();

    const good = await fetch(url);
    const unknown = await fetch(new URL('/elsewhere', url));
    api.inject('quota');
    const refused = await fetch(url);

    expect(good.status).toBe(200);
    expect(await good.json()).toMatchObject({ symbol: 'XAU', price: 2199.5135616442817, currency: 'USD' });
    expect([unknown.status, refused.status]).toEqual([404, 502]);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(output.stderr).toContain("kind: 'quota'");
    for (const form of formsOf(KEY)) expect(output.stdout + output.stderr).not.toContain(form);
  });

  it('local-script.mjs prints a price per symbol from one request', async () => {
    const before = api.calls.length;
    const ran = await finished(['examples/stores/local-script.mjs', 'XAU', 'XAG'], env);

    expect(ran).toEqual({ code: 0, stdout: 'XAU 70.7160 USD per gram\nXAG 0.8147 USD per gram\n', stderr: '' });
    expect(api.calls.length - before).toBe(1);
  });

  it.each(['lambda-handler', 'lambda-light-handler'])(
    '%s.mjs answers two invocations with one decryption',
    async (name) => {
      kms.reset();
      const program = `
      import { handler } from './examples/lambda/${name}.mjs';
      const context = { getRemainingTimeInMillis: () => 5000 };
      const answers = [await handler({ symbol: 'XAU' }, context), await handler({ symbol: 'XAG' }, context)];
      console.log(JSON.stringify(answers));`;
      const ran = await finished(['--input-type=module', '-e', program], forKms());

      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(ran.stdout)).toMatchObject([
        { metal: 'XAU', price: 2199.5135616442817 },
        { metal: 'XAG', price: 25.34 },
      ]);
      expect(kms.requests.map(({ operation }) => operation)).toEqual(['Decrypt']);
    },
  );

  it('own-axios.mjs prints a price; a refused key is an error without the key', async () => {
    const good = await finished(['examples/own-price-api/own-axios.mjs'], env);
    api.revoke(KEY);
    const refused = await finished(['examples/own-price-api/own-axios.mjs'], env);

    expect(good).toEqual({ code: 0, stdout: 'XAU 2199.51 USD per troy ounce\n', stderr: '' });
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('KeyRejectedError') });
    expect(refused.stderr).toContain('AxiosError');
  });
});
