import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startFakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { temporaryFolder } from '../cli/run.js';
import { built, finishedWithout, missing } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const finished = finishedWithout(KEY);

describe.skipIf(!built)(`the example of the audit guide ${missing}`, () => {
  it('verify.mjs finds the line that it has changed, and writes no key', async () => {
    await using folder = await temporaryFolder();
    await using api = await startFakePriceApi({ keys: [KEY] });
    const path = join(folder.path, 'audit.ndjson');
    const env = { PATH: process.env['PATH'] ?? '', GOLD_API_KEY: KEY, PRICE_API_URL: api.url, AUDIT_FILE: path };

    const ran = await finished(['examples/audit/verify.mjs'], env);

    expect(ran).toEqual({ code: 3, stdout: '{ records: 5, ok: true }\nline 3 was changed\n', stderr: '' });
    assertNoSecret(await readFile(path, 'utf8'), KEY);
  });
});
