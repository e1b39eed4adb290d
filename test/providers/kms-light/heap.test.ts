import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { temporaryFolder } from '../../cli/run.js';

const DIST = pathToFileURL(join(import.meta.dirname, '../../../dist/esm')).href;
const KEY = 'invented-key-that-comes-over-the-wire-alone-4711';
const CREDENTIALS = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret-access-key' };
const run = promisify(execFile);

/** Knows no key but the one it is sent. */
const PROGRAM = `
import { writeHeapSnapshot } from 'node:v8';
import { GoldDataClient } from '${DIST}/index.js';
import { fromKmsLight } from '${DIST}/providers/kms-light/kms-light.js';

const [, , file, mode, endpoint, ciphertext] = process.argv;
async function use() {
  const gold = new GoldDataClient({
    keyProvider: fromKmsLight({ ciphertext, endpoint, encryptionContext: {}, region: 'us-east-1' }),
    fetchPrice: async (_, { apiKey }) => apiKey.length,
  });
  const prices = [];
  for (let count = 0; count < 3; count++) {
    prices.push(await gold.getPrice('XAU'));
    await gold.reload();
  }
  if (mode === 'closed') await gold.close();
  return { gold, prices };
}
const { gold, prices } = await use();
for (let round = 0; round < 5; round++) { await new Promise((resolve) => setImmediate(resolve)); globalThis.gc(); }
writeHeapSnapshot(file);
console.log(JSON.stringify({ state: gold.status().state, prices }));
process.exit(0);
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let kms: FakeKms;
beforeAll(async () => {
  folder = await temporaryFolder();
  kms = await startFakeKms({ credentials: CREDENTIALS });
  await writeFile(join(folder.path, 'program.mjs'), PROGRAM);
});
afterAll(async () => {
  await kms.close();
  await folder[Symbol.asyncDispose]();
});

async function snapshot(mode: string): Promise<{ report: unknown; holds: boolean[] }> {
  const file = join(folder.path, `${mode}.heapsnapshot`);
  const program = join(folder.path, 'program.mjs');
  const { stdout } = await run(process.execPath, ['--expose-gc', program, file, mode, kms.url, kms.encrypt(KEY, {})], {
    env: {
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
  });
  const heap = await readFile(file, 'utf8');
  const forms = [KEY, Buffer.from(KEY).toString('hex'), Buffer.from(KEY).toString('base64').slice(0, 60)];
  return { report: JSON.parse(stdout), holds: forms.map((form) => heap.includes(form)) };
}

describe('the heap of a process that had its key from fromKmsLight', () => {
  it('after close() has neither the key nor the answer it came in', { timeout: 60_000 }, async () => {
    expect(await snapshot('closed')).toEqual({
      report: { state: 'closed', prices: [KEY.length, KEY.length, KEY.length] },
      holds: [false, false, false],
    });
  });

  it('before close() has the key, or the test above could never fail', { timeout: 60_000 }, async () => {
    expect(await snapshot('open')).toMatchObject({
      report: { state: 'fresh' },
      holds: [true, false, expect.anything()],
    });
  });
});
