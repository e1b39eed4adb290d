import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { formsOf, temporaryFolder } from '../cli/run.js';
import { built, missing } from '../examples/start-example.js';
import { installRuntimeClient, startLambda, type Lambda } from '../servers/lambda.js';
import type { Answer } from '../servers/lambda-runtime-api.js';
import { findLambdaNodes } from '../servers/lambda-starts.js';
import { orSkip } from '../servers/or-skip.js';

const KEY = 'sk-invented/+&=0123456789';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'an-invented-secret' };
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const PRICE = 2199.5135616442817;
const MARGIN = 500;
/** How much later than planned a timer may be on a busy machine, in ms. */
const LATE = 400;
const KMS_LATENCY = 300;
/** Half of the life of the handlers' key. */
const REFRESH_AFTER_MS = 12_100;
const FROZEN_MS = 10_000;

const nodes = (await findLambdaNodes()).filter(({ skipped }) => skipped === undefined);
const release3 = await orSkip(async () => installRuntimeClient());
const release4 = await orSkip(async () => installRuntimeClient('4.0.2'));
const runtimes = [
  ...nodes.map((node) => ({ ...node, client: release3.server, name: `aws-lambda-ric 3, Node.js ${node.major}` })),
  ...nodes
    .filter(({ major }) => Number(major) >= 22)
    .map((node) => ({ ...node, client: release4.server, name: `aws-lambda-ric 4, Node.js ${node.major}` })),
];

let kms: FakeKms;
let api: FakePriceApi;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [kms, api, folder] = await Promise.all([startKms(), startFakePriceApi({ keys: [KEY] }), temporaryFolder()]);
  if (!built) return;
  await build({
    entryPoints: [join(import.meta.dirname, 'lambda-handlers', 'wrapped.mjs')],
    outfile: join(folder.path, 'index.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
});
beforeEach(() => kms.reset());
afterAll(() => Promise.all([kms.close(), api.close(), folder[Symbol.asyncDispose]()]));

const startKms = async (): Promise<FakeKms> => startFakeKms({ credentials: CREDENTIALS, latency: KMS_LATENCY });
const decryptions = ({ requests } = kms): number => requests.filter(({ operation }) => operation === 'Decrypt').length;

/** How a function is used; `keys`: the KMS that it asks. */
interface LambdaUse {
  readonly handler?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly keys?: FakeKms;
}

/** Starts a function, has it used, and finds no form of the key in what it has printed and posted. */
async function useLambda(
  { client, node }: Pick<(typeof runtimes)[number], 'client' | 'node'>,
  use: (lambda: Lambda) => Promise<void>,
  { handler = 'index.handler', env = {}, keys = kms }: LambdaUse = {},
): Promise<void> {
  const lambda = await startLambda(client as string, {
    folder: folder.path,
    handler,
    node,
    env: {
      GOLD_API_KEY_CIPHERTEXT: keys.encrypt(KEY, CONTEXT),
      KMS_KEY_ID: keys.keyArn,
      PRICE_API_URL: api.url,
      AWS_ENDPOINT_URL_KMS: keys.url,
      AWS_REGION: keys.region,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      ...env,
    },
  });
  try {
    await use(lambda);
  } finally {
    await lambda[Symbol.asyncDispose]();
  }
  for (const form of formsOf(KEY)) expect(lambda.printed + lambda.posted).not.toContain(form);
}

describe.skipIf(!built).each(runtimes)(`a wrapped Lambda on $name ${missing}`, (runtime) => {
  const { client, major } = runtime;
  const withLambda = async (use: (lambda: Lambda) => Promise<void>, options?: LambdaUse): Promise<void> =>
    useLambda(runtime, use, options);

  it.skipIf(client === undefined)(
    'answers with a CallTimeoutError `margin` before Lambda’s deadline when the price API hangs',
    async () => {
      await withLambda(async (lambda) => {
        await lambda.invoke({});
        api.inject('slow');
        const slow = await lambda.invoke({}, 2_000);
        const good = await lambda.invoke({});

        expect(slow).toMatchObject({ kind: 'response', body: { code: 'ERR_GOLDKEY_TIMEOUT' }, isLate: false });
        expect(slow.took).toBeGreaterThan(2_000 - MARGIN - 50);
        expect(slow.took).toBeLessThan(2_000 - MARGIN + LATE);
        expect(good.body).toMatchObject({ price: PRICE });
        console.info(`(a) ${major}: answered ${slow.took.toFixed(0)} ms into 2,000`);
      });
    },
  );

  it.skipIf(client === undefined)('streams: its first byte comes before its last', async () => {
    await withLambda(
      async (lambda) => {
        await lambda.invoke({});
        const streamed = await lambda.invoke({});
        api.inject('slow');
        const slow = await lambda.invoke({}, 2_500);

        expect(streamed).toMatchObject({ kind: 'response', body: expect.stringMatching(/^first .*"price":2199/) });
        expect(streamed.took - streamed.firstPartTook).toBeGreaterThan(400);
        expect(slow).toMatchObject({ body: expect.stringContaining('ERR_GOLDKEY_TIMEOUT'), isLate: false });
        console.info(
          `(c) ${major}: first byte after ${streamed.firstPartTook.toFixed(0)} ms, last after ${streamed.took.toFixed(0)} ms`,
        );
      },
      { handler: 'index.streaming' },
    );
  });

  it
    .skipIf(client === undefined)
    .each(Number(major) >= 22 ? ['index.withMiddy6', 'index.withMiddy7'] : ['index.withMiddy6'])(
    'by %s runs all hooks, lets others answer early, and limits calls',
    async (handler) => {
      await withLambda(
        async (lambda) => {
          const good = await lambda.invoke({});
          const early = await lambda.invoke({ isEarly: true });
          const failed = await lambda.invoke({ fails: true });
          api.inject('slow');
          const slow = await lambda.invoke({}, 2_000);

          expect(good.body).toMatchObject({ price: PRICE, seen: 'after' });
          expect(early.body).toEqual({ early: true });
          expect(failed.body).toEqual({ seen: 'onError', message: 'mine' });
          expect(slow).toMatchObject({ body: { code: 'ERR_GOLDKEY_TIMEOUT' }, isLate: false });
          expect(slow.took).toBeLessThan(2_000 - MARGIN + LATE);
          console.info(`(e) ${major} ${handler}: answered ${slow.took.toFixed(0)} ms into 2,000`);
        },
        { handler },
      );
    },
  );

  it.skipIf(client === undefined)(
    'initialises although KMS denies the key, and tells it in the first call',
    async () => {
      kms.inject('access-denied', { times: Infinity, operation: 'Decrypt' });
      await withLambda(async (lambda) => {
        await expect.poll(() => decryptions(), { timeout: 5_000 }).toBe(1);
        const denied = await lambda.invoke({});
        kms.reset();
        // A store that failed once is left alone for a second at most.
        await sleep(1_100);
        const good = await lambda.invoke({});

        expect(denied).toMatchObject({ kind: 'response', body: { code: 'ERR_GOLDKEY_ACCESS_DENIED' } });
        expect(good.body).toMatchObject({ price: PRICE });
        console.info(
          `(f) ${major}: initialised in ${lambda.initTook.toFixed(0)} ms, first call ${JSON.stringify(denied.body)}`,
        );
      });
    },
  );

  it.skipIf(client === undefined || client !== release4.server)(
    'limits each of eight invocations at once in one process by its own deadline',
    async () => {
      const env = { AWS_LAMBDA_MAX_CONCURRENCY: '8', AWS_LAMBDA_NODEJS_WORKER_COUNT: '1' };
      await withLambda(
        async (lambda) => {
          await lambda.invoke({});
          api.inject('slow', { times: 8 });
          const left = [4_000, 1_500, 3_000, 5_000, 2_000, 4_500, 1_000, 3_500];
          const startedAt = performance.now();
          const answers = await Promise.all(left.map(async (ms) => lambda.invoke({}, ms)));
          const took = performance.now() - startedAt;

          for (const [index, answer] of answers.entries()) {
            const due = (left[index] as number) - MARGIN;
            expect(answer).toMatchObject({ body: { code: 'ERR_GOLDKEY_TIMEOUT' }, isLate: false });
            expect(answer.took, String(left)).toBeGreaterThan(due - 50);
            expect(answer.took, String(left)).toBeLessThan(due + LATE);
          }
          expect(took).toBeLessThan(Math.max(...left));
          expect((await lambda.invoke({})).body).toMatchObject({ price: PRICE });
          const lines = answers.map((answer, index) => `${answer.took.toFixed(0)} into ${String(left[index])}`);
          console.info(`(d) ${major}: ${lines.join(', ')}`);
        },
        { env },
      );
    },
  );
});

/** Has a call start a refresh, and freezes the function for 10 s with its answer. */
async function freezeInRefresh(runtime: (typeof runtimes)[number], handler: string) {
  // Its own: the functions are frozen side by side, and what each asks is counted.
  await using keys = await startKms();
  const told: { refreshing?: Answer; next?: Answer } = {};
  await useLambda(
    runtime,
    async (lambda) => {
      await lambda.invoke({});
      await sleep(REFRESH_AFTER_MS);
      told.refreshing = await lambda.invoke({});
      lambda.freeze();
      await sleep(FROZEN_MS);
      lambda.thaw();
      told.next = await lambda.invoke({});
    },
    { handler, keys },
  );
  const { refreshing, next } = told as Required<typeof told>;
  console.info(
    `(b) ${runtime.major} ${handler}: the refreshing call took ${refreshing.took.toFixed(0)} ms, the one after the freeze ${next.took.toFixed(0)} ms, ${JSON.stringify(next.body)}`,
  );
  return { refreshing, next, decryptions: decryptions(keys) };
}

// A freeze takes 23 s: each Node.js has one, by the newest client that it can run.
const newestFor = new Map(runtimes.map((runtime) => [runtime.major, runtime]));
const freezing = [...newestFor.values()].filter(({ client }) => client !== undefined);

describe
  .skipIf(!built || freezing.length === 0)
  .concurrent(`a wrapped Lambda that is frozen ${missing}`, { timeout: 60_000 }, () => {
    it.for(freezing)(
      'for 10 s with the answer whose call started a refresh answers the next call by that one load, on $name',
      async (runtime) => {
        const { refreshing, next, ...asked } = await freezeInRefresh(runtime, 'index.handler');

        expect(refreshing.body).toMatchObject({ price: PRICE });
        expect(refreshing.took).toBeGreaterThanOrEqual(KMS_LATENCY);
        expect(next).toMatchObject({ kind: 'response', body: { price: PRICE, counts: { loads: 2, loadFailures: 0 } } });
        expect(asked.decryptions).toBe(2);
      },
    );

    it.for(freezing.slice(-1))(
      'without waiting for the refresh answers the next call all the same, on $name',
      async (runtime) => {
        const { refreshing, next } = await freezeInRefresh(runtime, 'index.unsettled');

        expect(refreshing.took).toBeLessThan(KMS_LATENCY);
        expect(next).toMatchObject({ kind: 'response', body: { price: PRICE } });
      },
    );
  });
