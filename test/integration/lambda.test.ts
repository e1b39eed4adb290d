import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { formsOf, temporaryFolder } from '../cli/run.js';
import { developedWith, install, pack } from '../package/install.js';
import { gateTo, type Gate } from '../servers/gate.js';
import { installRuntimeClient, startLambda, type Lambda } from '../servers/lambda.js';
import { findLambdaNodes, spread } from '../servers/lambda-starts.js';
import { orSkip } from '../servers/or-skip.js';
import { built, missing, ROOT } from '../examples/start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'an-invented-secret' };
const SESSION = 'an-invented-session';
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const GOLD = { metal: 'XAU', price: 2199.5135616442817, currency: 'USD' };
const STARTS = 5;
/** Each key store, its example, and what a function installs for it beside the package. */
const HANDLERS = [
  ['fromKms', 'lambda-handler', ['@aws-sdk/client-kms']],
  ['fromKmsLight', 'lambda-light-handler', []],
] as const;

/** In ms. */
interface Times {
  readonly init: number[];
  readonly first: number[];
  readonly warm: number[];
}

const found = await orSkip(installRuntimeClient);
const client = found.server ?? '';
const majors = await findLambdaNodes();

describe.skipIf(found.skipped !== undefined || !built)(`a Lambda ${found.skipped ?? missing}`, () => {
  let kms: FakeKms;
  let api: FakePriceApi;
  let gate: Gate;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const folderOf = (handler: string): string => join(folder.path, handler);

  beforeAll(async () => {
    [kms, api, folder] = await Promise.all([
      startFakeKms({ credentials: CREDENTIALS }),
      startFakePriceApi(),
      temporaryFolder(),
    ]);
    gate = await gateTo(api.url);
    const tarball = await pack(folder.path, '--ignore-scripts');
    for (const [, handler, peers] of HANDLERS) {
      await install(folderOf(handler), [tarball, ...peers.map(developedWith)]);
      await copyFile(join(ROOT, 'examples', 'lambda', `${handler}.mjs`), join(folderOf(handler), 'index.mjs'));
    }
  });
  beforeEach(() => {
    kms.reset();
    api.accept(KEY);
  });
  afterAll(async () => {
    await gate[Symbol.asyncDispose]();
    await Promise.all([kms.close(), api.close(), folder[Symbol.asyncDispose]()]);
  });

  /** Starts a function cold, uses it, ends it, and resolves to what it printed. */
  const withLambda = async (
    functionFolder: string,
    use: (lambda: Lambda) => Promise<void>,
    { node = process.execPath, handler = 'index.handler' } = {},
  ): Promise<string> => {
    const lambda = await startLambda(client, {
      folder: functionFolder,
      handler,
      node,
      env: {
        GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, CONTEXT),
        PRICE_API_URL: gate.url,
        AWS_ENDPOINT_URL_KMS: kms.url,
        AWS_REGION: kms.region,
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        AWS_SESSION_TOKEN: SESSION,
      },
    });
    try {
      await use(lambda);
    } finally {
      await lambda[Symbol.asyncDispose]();
    }
    const secrets = [KEY, CREDENTIALS.secretAccessKey, SESSION];
    for (const form of secrets.flatMap(formsOf)) expect(lambda.printed + lambda.posted).not.toContain(form);
    return lambda.printed;
  };
  const decryptions = (): number => kms.requests.filter(({ operation }) => operation === 'Decrypt').length;

  it(`starts cold ${String(STARTS)} times with each key store and Node.js: one decryption, then none`, async () => {
    const took = new Map<string, Times>();
    const nodes = majors.filter(({ skipped }) => skipped === undefined);
    // Each round has all of them, so that what the machine does meanwhile is shared out.
    for (let round = 0; round < STARTS; round++) {
      for (const { major, node } of nodes) {
        for (const [store, handler] of HANDLERS) {
          const row = `Node.js ${major}, ${store}`;
          const times: Times = took.get(row) ?? { init: [], first: [], warm: [] };
          took.set(row, times);
          kms.reset();
          const printed = await withLambda(
            folderOf(handler),
            async (lambda) => {
              expect(kms.requests, 'nothing is asked of KMS before an invocation').toEqual([]);
              times.init.push(lambda.initTook);
              const first = await lambda.invoke({ symbol: 'XAU' });
              expect(first, row).toMatchObject({ kind: 'response', body: GOLD, isLate: false });
              times.first.push(first.took);
              for (let call = 0; call < 5; call++) {
                const warm = await lambda.invoke({ symbol: 'XAG' });
                expect(warm, row).toMatchObject({ kind: 'response', body: { metal: 'XAG', price: 25.34 } });
                times.warm.push(warm.took);
              }
              expect(kms.requests.map(({ operation, status }) => [operation, status])).toEqual([['Decrypt', 200]]);
            },
            { node },
          );
          expect(printed).toBe(`Executing 'index.handler' in function directory '${folderOf(handler)}'\n`);
        }
      }
    }
    told(took);
  });

  describe.each(HANDLERS)('with %s', (_, handler) => {
    it('a revoked key is an error of its own class, and the function goes on serving', async () => {
      const printed = await withLambda(folderOf(handler), async (lambda) => {
        await lambda.invoke({});
        api.revoke(KEY);
        const refused = await lambda.invoke({});
        api.accept(KEY);
        const good = await lambda.invoke({});

        expect(refused).toMatchObject({ kind: 'error', body: { errorType: 'KeyRejectedError' } });
        expect(good).toMatchObject({ kind: 'response', body: GOLD });
      });

      expect(printed).toContain('"code":"ERR_GOLDKEY_REJECTED"');
    });

    it('a denial by KMS is an error of its own class, and over when KMS allows it', async () => {
      const printed = await withLambda(folderOf(handler), async (lambda) => {
        kms.inject('access-denied', { times: Infinity, operation: 'Decrypt' });
        const denied = await lambda.invoke({});
        expect(decryptions()).toBe(1);
        kms.reset();
        // A store that failed once is left alone for a second at most.
        await sleep(1_100);
        const good = await lambda.invoke({});

        expect(denied).toMatchObject({ kind: 'error', body: { errorType: 'KeyAccessDeniedError' } });
        expect(good).toMatchObject({ kind: 'response', body: GOLD });
        expect(decryptions()).toBe(1);
      });

      expect(printed).toContain('"code":"ERR_GOLDKEY_ACCESS_DENIED"');
    });

    it('a price API that is down is an error of its own class, and nothing is asked of KMS for it', async () => {
      const printed = await withLambda(folderOf(handler), async (lambda) => {
        await lambda.invoke({});
        await gate.shut();
        const down = await lambda.invoke({});
        await gate.open();
        const good = await lambda.invoke({});

        expect(down).toMatchObject({ kind: 'error', body: { errorType: 'PriceApiError' }, isLate: false });
        expect(good).toMatchObject({ kind: 'response', body: GOLD });
        expect(decryptions()).toBe(1);
      });

      expect(printed).toContain('"code":"ERR_GOLDKEY_PRICE_API"');
    });

    it('a price API that never answers is a CallTimeoutError before Lambda’s own deadline', async () => {
      const printed = await withLambda(folderOf(handler), async (lambda) => {
        api.inject('slow');
        const slow = await lambda.invoke({}, 2_000);
        const good = await lambda.invoke({});

        expect(slow).toMatchObject({ kind: 'error', body: { errorType: 'CallTimeoutError' }, isLate: false });
        expect(good).toMatchObject({ kind: 'response', body: GOLD });
      });

      expect(printed).toContain('"code":"ERR_GOLDKEY_TIMEOUT"');
    });

    it('connections that were cut while the function was frozen cost it no call', async () => {
      await withLambda(folderOf(handler), async (lambda) => {
        await lambda.invoke({});
        lambda.freeze();
        await gate.shut();
        await gate.open();
        lambda.thaw();

        expect(await lambda.invoke({})).toMatchObject({ kind: 'response', body: GOLD });
        expect(decryptions()).toBe(1);
      });
    });

    it('a key that expired while the function was frozen is decrypted anew', async () => {
      const source = await readFile(join(folderOf(handler), 'index.mjs'), 'utf8');
      const brief = source.replace('new GoldDataClient({', '$& ttl: 1_000, ');
      expect(brief).not.toBe(source);
      await writeFile(join(folderOf(handler), 'brief.mjs'), brief);

      const use = async (lambda: Lambda): Promise<void> => {
        await lambda.invoke({});
        lambda.freeze();
        await sleep(1_100);
        lambda.thaw();

        expect(await lambda.invoke({})).toMatchObject({ kind: 'response', body: GOLD });
        expect(decryptions()).toBe(2);
      };
      await withLambda(folderOf(handler), use, { handler: 'brief.handler' });
    });
  });
});

function told(took: ReadonlyMap<string, Times>): void {
  const line = (...cells: string[]): string => cells.map((cell) => cell.padEnd(26)).join('');
  const lines = [...took].map(([row, { init, first, warm }]) => line(row, spread(init), spread(first), spread(warm)));
  console.info(
    [
      `A cold Lambda, ms: median (least to most) of ${String(STARTS)} starts, all servers on loopback`,
      line('', 'init', 'first invocation', 'warm invocation'),
      ...lines,
    ].join('\n'),
  );
}
