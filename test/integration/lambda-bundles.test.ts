import { mkdir, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { temporaryFolder } from '../cli/run.js';
import { built, missing } from '../examples/start-example.js';
import { installRuntimeClient, startLambda } from '../servers/lambda.js';
import { findLambdaNodes, spread } from '../servers/lambda-starts.js';
import { orSkip } from '../servers/or-skip.js';

const KEY = 'sk-invented-0123456789';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'an-invented-secret' };
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
const STARTS = 5;
/** The handlers, each one file by the command of the Lambda guide. `cached` runs with Node.js's compile cache, which was filled before. */
const HANDLERS = [
  { name: 'by hand, KMS', file: 'by-hand' },
  { name: 'Middy, Secrets Manager', file: 'middy' },
  { name: 'Powertools, Secrets Manager', file: 'powertools' },
  { name: 'fromKms', file: 'from-kms' },
  { name: 'fromKmsLight', file: 'from-kms-light' },
  { name: 'by hand, compile cache', file: 'by-hand', cached: true },
  { name: 'fromKms, compile cache', file: 'from-kms', cached: true },
  { name: 'fromKmsLight, compile cache', file: 'from-kms-light', cached: true },
] as const;
/** The first version with the compile cache. */
const CACHING = 22;

/** In ms. */
interface Times {
  readonly init: number[];
  readonly first: number[];
}

const found = await orSkip(installRuntimeClient);
const client = found.server ?? '';
const nodes = await findLambdaNodes();

describe.skipIf(found.skipped !== undefined || !built)(`a Lambda of one file ${found.skipped ?? missing}`, () => {
  let kms: FakeKms;
  let api: FakePriceApi;
  let secrets: { readonly url: string; readonly server: Server };
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeAll(async () => {
    [kms, api, secrets, folder] = await Promise.all([
      startFakeKms({ credentials: CREDENTIALS }),
      startFakePriceApi({ keys: [KEY] }),
      startSecretsManager(),
      temporaryFolder(),
    ]);
    for (const file of new Set(HANDLERS.map((handler) => handler.file))) {
      await mkdir(join(folder.path, file));
      await build({
        entryPoints: [join(import.meta.dirname, 'lambda-handlers', `${file}.mjs`)],
        outfile: join(folder.path, file, 'index.mjs'),
        bundle: true,
        minify: true,
        platform: 'node',
        format: 'esm',
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
        logLevel: 'error',
      });
    }
  });
  afterAll(async () => {
    secrets.server.close();
    await Promise.all([kms.close(), api.close(), folder[Symbol.asyncDispose]()]);
  });

  /** Starts a function cold, asks it for one price, and returns how long both took. */
  const startCold = async (
    { file, cached }: { file: string; cached: boolean },
    { node, major }: (typeof nodes)[number],
  ) => {
    const path = join(folder.path, file);
    const lambda = await startLambda(client, {
      folder: path,
      handler: 'index.handler',
      node,
      env: {
        GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, CONTEXT),
        KMS_KEY_ID: kms.keyArn,
        PRICE_API_URL: api.url,
        AWS_ENDPOINT_URL_KMS: kms.url,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
        AWS_REGION: kms.region,
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        ...(cached && { NODE_COMPILE_CACHE: join(path, `compiled-${major}`) }),
      },
    });
    try {
      const first = await lambda.invoke({ symbol: 'XAU' }, 10_000);
      return { init: lambda.initTook, first };
    } finally {
      await lambda[Symbol.asyncDispose]();
    }
  };

  it(`gives its first price after ${String(STARTS)} cold starts, whatever it reads the key with`, async () => {
    const took = new Map<string, Times>();
    const versions = nodes.filter(({ skipped }) => skipped === undefined);
    // The first round fills the compile caches, and is not counted. Each round has all of them, so that what the machine
    // does meanwhile is shared out.
    for (let round = 0; round <= STARTS; round++) {
      for (const version of versions) {
        for (const handler of HANDLERS) {
          const cached = 'cached' in handler;
          if (cached && Number(version.major) < CACHING) continue;
          const { init, first } = await startCold({ file: handler.file, cached }, version);
          expect(first, handler.name).toMatchObject({ kind: 'response', body: { metal: 'XAU' }, isLate: false });
          expect((first.body as { price: number }).price).toBeCloseTo(2199.51, 1);
          if (round === 0) continue;
          const row = `Node.js ${version.major}, ${handler.name}`;
          const times = took.get(row) ?? { init: [], first: [] };
          took.set(row, times);
          times.init.push(init);
          times.first.push(first.took);
        }
      }
    }
    const sizes = await Promise.all(
      HANDLERS.map(async ({ name, file }) => [name, (await stat(join(folder.path, file, 'index.mjs'))).size] as const),
    );
    print(took, new Map(sizes));
    expect(took.size).toBeGreaterThanOrEqual(versions.length);
  });
});

/** Starts what Middy and Powertools ask: Secrets Manager with one secret, which checks no signature. */
async function startSecretsManager(): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify({ Name: 'gold-api-key', SecretString: KEY, VersionId: 'v1' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, server };
}

function print(took: ReadonlyMap<string, Times>, sizes: ReadonlyMap<string, number>): void {
  const line = (...cells: string[]): string => cells.map((cell) => cell.padEnd(44)).join('');
  console.info(
    [
      `A cold Lambda of one file, ms: median (least to most) of ${String(STARTS)} starts, all servers on loopback`,
      line('', 'init', 'first invocation'),
      ...[...took].map(([row, { init, first }]) => line(row, spread(init), spread(first))),
      ...[...sizes].map(([name, bytes]) => line(name, `${String(Math.round(bytes / 1_000))} KB`)),
    ].join('\n'),
  );
}
