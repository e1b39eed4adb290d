import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { built, finishedWithout, kmsEnvironment, missing } from './start-example.js';

const FIRST = 'sk-invented/+&=0123456789';
const SECOND = 'sk-invented/second+&=98765';
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const finished = finishedWithout(FIRST, SECOND);

let kms: FakeKms;
let apis: [FakePriceApi, FakePriceApi];

beforeAll(async () => {
  [kms, ...apis] = await Promise.all([
    startFakeKms(),
    startFakePriceApi({ keys: [FIRST] }),
    startFakePriceApi({ api: 'goldapi', keys: [SECOND] }),
  ]);
});
afterAll(() => Promise.all([kms, ...apis].map((server) => server.close())));

describe.skipIf(!built)(`the examples of several price APIs ${missing}`, () => {
  it('first-available.mjs asks the second account when the first has used up its volume', async () => {
    const env = {
      PATH: process.env['PATH'] ?? '',
      FIRST_KEY_CIPHERTEXT: kms.encrypt(FIRST, CONTEXT),
      SECOND_KEY_CIPHERTEXT: kms.encrypt(SECOND, CONTEXT),
      FIRST_API_URL: apis[0].url,
      SECOND_API_URL: apis[1].url,
      ...kmsEnvironment(kms),
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    apis[0].inject('quota');

    const good = await finished(['examples/prices/first-available.mjs'], env);
    apis[0].inject('quota');
    apis[1].inject('plan');
    const none = await finished(['examples/prices/first-available.mjs'], env);

    expect(good).toEqual({ code: 0, stdout: 'XAU 2199.51 USD (goldapi)\n', stderr: '' });
    expect(none).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'ERR_GOLDKEY_PRICE_API: None of the 2 clients gave a price: client 1 (metals-api, quota), client 2 (goldapi, plan).\n',
    });
    expect(apis.map(({ calls }) => calls.length)).toEqual([2, 2]);
  });
});
