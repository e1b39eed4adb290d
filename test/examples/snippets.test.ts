import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { fileRing, KeyRotationManager } from '../../src/rotation/index.js';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { temporaryFolder } from '../cli/run.js';
import { documentSnippets } from './guides.js';
import { built, finishedWithout, kmsEnvironment, missing } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const SECOND = 'sk-invented/second+&=98765';
const finished = finishedWithout(KEY, SECOND);

let kms: FakeKms;
let apis: FakePriceApi[];
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;

beforeAll(async () => {
  const [metals, gold] = ([kms, apis, folder] = await Promise.all([
    startFakeKms(),
    Promise.all([startFakePriceApi({ keys: [KEY] }), startFakePriceApi({ api: 'goldapi', keys: [KEY] })]),
    temporaryFolder(),
  ]))[1];
  const masterKeyFile = join(folder.path, 'master.key');
  const ring = join(folder.path, 'gold.ring.json');
  const tape = join(folder.path, 'tape');
  await createMasterKey(masterKeyFile);
  await writeFile(tape, KEY);
  const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'gold-data-stream' } });
  await new KeyRotationManager({ ring: fileRing(ring), name: 'gold', cipher }).init(KEY);
  env = {
    PATH: process.env['PATH'] ?? '',
    SNIPPET_KEY: KEY,
    SECOND_KEY: SECOND,
    MASTER_KEY_FILE: masterKeyFile,
    RING_FILE: ring,
    TAPE: tape,
    AUDIT_FILE: join(folder.path, 'audit.ndjson'),
    GOLD_API_KEY_CIPHERTEXT: kms.encrypt(KEY, { service: 'gold-data-stream', environment: 'production' }),
    ...kmsEnvironment(kms),
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    metalsApi_URL: metals?.url ?? '',
    goldApi_URL: gold?.url ?? '',
  };
});
afterAll(() => Promise.all([kms.close(), ...apis.map((api) => api.close()), folder[Symbol.asyncDispose]()]));

/** Removes the types, and has the vendors' price APIs looked for on loopback. Nothing else is changed. */
async function runnable(snippet: string): Promise<string> {
  const { code } = await transform(snippet, { loader: 'ts', format: 'esm', target: 'node20' });
  return code
    .replaceAll(/\b(metalsApi|goldApi)\(\)/g, '$1({})')
    .replaceAll(/\b(metalsApi|goldApi)\(\{/g, '$1({ baseUrl: process.env.$1_URL,');
}

describe.skipIf(!built)(`a program of the README or a guide ${missing}`, () => {
  const snippets = documentSnippets().map(({ name, code }) => [name, code] as const);

  it.concurrent.each(snippets)('%s runs to its end and shows no key', { timeout: 60_000 }, async (_, snippet) => {
    const program = await runnable(snippet);

    const ran = await finished(
      ['--import', './test/examples/snippet-globals.mjs', '--input-type=module', '-e', program],
      env,
    );

    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });
});
