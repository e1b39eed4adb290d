import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { formsOf } from '../cli/run.js';
import { built, kmsEnvironment, missing, start } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };

let kms: FakeKms;
let api: FakePriceApi;
let account: Server;
/** Uses by somebody else. */
let stolen = 0;

beforeAll(async () => {
  [kms, api] = await Promise.all([startFakeKms(), startFakePriceApi({ keys: [KEY] })]);
  account = createServer((_request, response) => {
    response.end(JSON.stringify({ used: 1_000 + api.calls.length + stolen }));
  }).listen(0, '127.0.0.1');
  await once(account, 'listening');
});
afterAll(async () => {
  account.close();
  await Promise.all([kms.close(), api.close()]);
});

describe.skipIf(!built)(`the example of the watch ${missing}`, () => {
  it('stolen-key.mjs runs while the counts agree, and stops when somebody else uses the key', async () => {
    const { child, output } = start(['examples/watch/stolen-key.mjs'], {
      PATH: process.env['PATH'] ?? '',
      GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, CONTEXT),
      ...kmsEnvironment(kms),
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      PRICE_API_URL: api.url,
      USAGE_URL: `http://127.0.0.1:${String((account.address() as AddressInfo).port)}/usage`,
      CHECK_EVERY: '1000',
    });
    await expect.poll(() => output.stdout.split('\n').length, { timeout: 15_000 }).toBeGreaterThan(4);
    expect(output.stderr).toBe('');
    stolen = 500;

    expect(await once(child, 'close')).toEqual([0, null]);
    expect(output.stderr).toMatch(/^critical: usage-mismatch: the price API counted \d+ uses, \d+ were made here\n/);
    expect(output.stderr).toContain('ERR_GOLDKEY_HELD The client `aws-kms` is held after an alert (usage-mismatch)');
    for (const form of formsOf(KEY)) expect(output.stdout + output.stderr).not.toContain(form);
  });
});
