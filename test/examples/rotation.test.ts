import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { fileRing, KeyRotationManager } from '../../src/rotation/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { manualClock } from '../../src/testing/index.js';
import { temporaryFolder } from '../cli/run.js';
import { built, finishedWithout, missing, ROOT } from './start-example.js';

const OLD = 'sk-invented/old+&=0123456789';
const NEW = 'sk-invented/new+&=9876543210';
const CONTEXT = { service: 'gold-data-stream' };
const finished = finishedWithout(OLD, NEW);

let api: FakePriceApi;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
let manager: (startAt?: number) => KeyRotationManager;

beforeEach(async () => {
  [api, folder] = await Promise.all([startFakePriceApi({ keys: [OLD, NEW] }), temporaryFolder()]);
  const masterKeyFile = join(folder.path, 'master.key');
  const ring = join(folder.path, 'gold.ring.json');
  const newKey = join(folder.path, 'new.key');
  await createMasterKey(masterKeyFile);
  await writeFile(newKey, `${NEW}\n`);
  const cipher = localCipher({ masterKeyFile, encryptionContext: CONTEXT });
  manager = (startAt = Date.now()) =>
    new KeyRotationManager({ ring: fileRing(ring), name: 'gold', cipher, clock: manualClock(startAt) });
  env = {
    PATH: process.env['PATH'] ?? '',
    PRICE_API_URL: api.url,
    MASTER_KEY_FILE: masterKeyFile,
    RING_FILE: ring,
    NEW_KEY_FILE: newKey,
    RING: ring,
    MASTER_KEY: masterKeyFile,
    NEW_KEY: newKey,
    GOLDKEY: `${process.execPath} ${join(ROOT, 'dist', 'esm', 'cli', 'bin.js')}`,
  };
});
afterEach(() => Promise.all([api.close(), folder[Symbol.asyncDispose]()]));

describe.skipIf(!built)(`the examples of a rotation ${missing}`, () => {
  it('rotation.mjs stages, tries and promotes a key, and says what comes next', async () => {
    await manager().init(OLD);

    const ran = await finished(['examples/rotation/rotation.mjs'], env);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(
      /^promote: 10 % of the clients try v2 since .*\nXAU 2199\.51 with v[12]\nwait: v1 is kept until/,
    );
    expect(await manager().status()).toMatchObject({ current: 'v2', previous: 'v1' });
  });

  it('rotation.sh does the same from a shell, and a second run stops at the overlap', async () => {
    await manager().init(OLD);

    const first = await finished(['examples/rotation/rotation.sh'], env, '/bin/sh');
    await writeFile(env['NEW_KEY'] as string, 'another-key-0123456789');
    const second = await finished(['examples/rotation/rotation.sh'], env, '/bin/sh');

    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/v2 +current/);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('`promote` was refused: v1 is kept until');
  });

  it('rotation-schedule.mjs mints and stages a key that is due, with the same id after a failure, and tries it next', async () => {
    const asked: string[] = [];
    const vendor = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.statusCode = asked.length === 1 ? 503 : 200;
      response.end(JSON.stringify({ key: NEW }));
    });
    vendor.listen(0, '127.0.0.1');
    await once(vendor, 'listening');
    const scheduled = { ...env, VENDOR_URL: `http://127.0.0.1:${String((vendor.address() as AddressInfo).port)}` };
    try {
      await manager(Date.now() - 61 * 86_400_000).init(OLD);

      const failed = await finished(['examples/rotation/rotation-schedule.mjs'], scheduled);
      const staged = await finished(['examples/rotation/rotation-schedule.mjs'], scheduled);
      const tried = await finished(['examples/rotation/rotation-schedule.mjs'], scheduled);

      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('`generate` failed');
      expect(staged).toMatchObject({ code: 0, stdout: expect.stringContaining('canary: v2 is staged') });
      expect(tried).toMatchObject({ code: 0, stdout: expect.stringContaining('promote: 10 % of the clients try v2') });
      expect(asked).toHaveLength(2);
      expect(asked[0]).toBe(asked[1]);
      expect(await readFile(env['RING'] as string, 'utf8')).toContain('"minted_by": "rotation-schedule"');
    } finally {
      vendor.close();
    }
  });
});
