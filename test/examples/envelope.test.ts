import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMasterKey } from '../../src/providers/local/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { temporaryFolder } from '../cli/run.js';
import { built, finishedWithout, missing, ROOT } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const finished = finishedWithout(KEY);

describe.skipIf(!built)(`the examples of the envelope guide ${missing}`, () => {
  let api: FakePriceApi;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let env: Record<string, string>;
  beforeAll(async () => {
    [api, folder] = await Promise.all([startFakePriceApi({ keys: [KEY] }), temporaryFolder()]);
    const masterKeyFile = join(folder.path, 'master.key');
    await createMasterKey(masterKeyFile);
    env = { PATH: process.env['PATH'] ?? '', MASTER_KEY_FILE: masterKeyFile, PRICE_API_URL: api.url };
  });
  afterAll(() => Promise.all([api.close(), folder[Symbol.asyncDispose]()]));

  /** Pipes bytes through stream.mjs. */
  async function pipe(work: string, input: Uint8Array): Promise<{ code: number | null; output: Buffer }> {
    const child = spawn(process.execPath, [join(ROOT, 'examples', 'envelope', 'stream.mjs'), work], { env, cwd: ROOT });
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    // It ends early where the message is damaged.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    return { code: await ended, output: Buffer.concat(out) };
  }

  it('bundle.mjs prints a price with one of 300 keys', async () => {
    const ran = await finished(['examples/envelope/bundle.mjs'], { ...env, GOLD_API_KEY: KEY });

    expect(ran).toEqual({ code: 0, stdout: 'XAU 2199.51 with a key out of 300\n', stderr: '' });
  });

  it('stream.mjs gives back what it encrypted, and fails on what was cut off', async () => {
    const data = randomBytes(500_000);
    const { code, output: message } = await pipe('encrypt', data);
    const back = await pipe('decrypt', message);
    const short = await pipe('decrypt', message.subarray(0, -1));

    expect([code, back.code, back.output.equals(data)]).toEqual([0, 0, true]);
    expect(short.code).toBe(1);
  });
});
