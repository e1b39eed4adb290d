import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { built, finishedWithout, kmsEnvironment, missing } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const finished = finishedWithout(KEY);

let kms: FakeKms;
let api: FakePriceApi;

beforeAll(async () => {
  [kms, api] = await Promise.all([startFakeKms(), startFakePriceApi({ keys: [KEY] })]);
});
beforeEach(() => kms.reset());
afterAll(() => Promise.all([kms.close(), api.close()]));

/** Runs a module program, and returns what it printed last, as JSON. */
const answersOf = async (program: string): Promise<unknown> => {
  const ran = await finished(['--input-type=module', '-e', program], {
    PATH: process.env['PATH'] ?? '',
    PRICE_API_URL: api.url,
    GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, CONTEXT),
    ...kmsEnvironment(kms),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(ran.stdout);
};

describe.skipIf(!built)(`the examples of goldkey/lambda ${missing}`, () => {
  it('wrapped-handler.mjs has the key before its first invocation', async () => {
    const answers = await answersOf(`
      import { gold } from './examples/lambda/client.mjs';
      import { handler } from './examples/lambda/wrapped-handler.mjs';
      await gold.settled();
      const { state } = gold.status();
      const context = { getRemainingTimeInMillis: () => 5000 };
      console.log(JSON.stringify([state, await handler({}, context), await handler({ symbol: 'XAG' }, context)]));`);

    expect(answers).toMatchObject(['fresh', { metal: 'XAU', price: 2199.5135616442817 }, { metal: 'XAG' }]);
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['Decrypt']);
  });

  it('middy-handler.mjs answers prices, and failures with their code', async () => {
    kms.inject('access-denied', { times: 1, operation: 'Decrypt' });
    const answers = await answersOf(`
      import { handler } from './examples/lambda/middy-handler.mjs';
      const invoke = () => handler({ pathParameters: { symbol: 'XAU' } }, { getRemainingTimeInMillis: () => 5000 });
      const denied = await invoke();
      await new Promise((resolve) => setTimeout(resolve, 1100));
      console.log(JSON.stringify([denied, await invoke()]));`);

    expect(answers).toEqual([
      expect.objectContaining({ statusCode: 502, body: '{"error":"ERR_GOLDKEY_ACCESS_DENIED"}' }),
      { statusCode: 200, body: '{"price":2199.5135616442817}' },
    ]);
  });

  it('streaming-handler.mjs streams a line for each metal', async () => {
    const answers = await answersOf(`
      import { PassThrough } from 'node:stream';
      const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
      globalThis.awslambda = { streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: 'response' }) };
      const { handler } = await import('./examples/lambda/streaming-handler.mjs');
      const stream = new PassThrough();
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk.toString()));
      await handler({}, stream, { getRemainingTimeInMillis: () => 5000 });
      console.log(JSON.stringify([handler[STREAMING], ...chunks.map((line) => JSON.parse(line))]));`);

    expect(answers).toEqual([
      'response',
      { symbol: 'XAU', price: 2199.5135616442817 },
      { symbol: 'XAG', price: 25.34 },
    ]);
  });
});
