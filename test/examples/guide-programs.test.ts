import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { formsOf, temporaryFolder } from '../cli/run.js';
import { programs } from './guides.js';
import { freePort } from '../servers/process.js';
import { built, finishedWithout, missing, ROOT } from './start-example.js';

const KEY = 'sk-invented/+&=0123456789';
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const finished = finishedWithout(KEY);
const env = { PATH: process.env['PATH'] ?? '' };

let api: FakePriceApi;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [api, folder] = await Promise.all([startFakePriceApi({ keys: [KEY] }), temporaryFolder()]);
});
afterAll(() => Promise.all([api.close(), folder[Symbol.asyncDispose]()]));

describe.skipIf(!built)(`the programs of the guides ${missing}`, () => {
  it('first-steps.sh goes from a new master key to a price, and prints no key', async () => {
    const child = spawn('/bin/sh', [join(ROOT, 'examples', 'cli', 'first-steps.sh')], {
      cwd: folder.path,
      env: { ...env, GOLDKEY: `${process.execPath} ${join(ROOT, 'dist', 'esm', 'cli', 'bin.js')}`, API_URL: api.url },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.end(KEY);
    const [code] = (await once(child, 'close')) as [number];

    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/XAU.*2199\.51/) });
    for (const form of formsOf(KEY)) expect(output).not.toContain(form);
  });

  it('own-fetch.mjs prints a price, and takes 403 for a refused key', async () => {
    const keys: unknown[] = [];
    const server = createServer((request, response) => {
      keys.push(request.headers['x-access-token']);
      if (request.url === '/refused/XAU/USD') response.statusCode = 403;
      response.end(JSON.stringify({ price: 2_199.5, timestamp: Math.floor(Date.now() / 1000) }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    try {
      const given = { ...env, GOLD_API_KEY: KEY, PRICE_API_URL: url };
      const good = await finished(['examples/own-price-api/own-fetch.mjs'], given);
      const refused = await finished(['examples/own-price-api/own-fetch.mjs'], {
        ...given,
        PRICE_API_URL: `${url}/refused`,
      });

      expect(good).toEqual({ code: 0, stdout: 'XAU 2199.50 USD per troy ounce\n', stderr: '' });
      expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ERR_GOLDKEY_REJECTED') });
      expect(new Set(keys)).toEqual(new Set([KEY]));
    } finally {
      server.close();
    }
  });

  it('telemetry.mjs exports spans with the URL of each call, and metrics, without the key', async () => {
    const urls: string[] = [];
    const server = createServer((request, response) => {
      urls.push(request.url ?? '');
      response.end(JSON.stringify({ price: 2_199.5 }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/latest`;
    try {
      const given = { ...env, GOLD_API_KEY: KEY, PRICE_API_URL: url, METRICS_PORT: String(await freePort()) };
      const { code, stdout, stderr } = await finished(['examples/telemetry/telemetry.mjs'], given);

      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(urls[0]).toContain(encodeURIComponent(KEY));
      expect(stdout).toContain(`'url.full': '${url}?access_key=[REDACTED]&symbols=XAU'`);
      expect(stdout).toContain("name: 'goldkey.key.load'");
      expect(stdout).toMatch(/^goldkey_calls_total\{goldkey_client="gold",.*\} 2$/m);
    } finally {
      server.close();
    }
  });

  it.each(['testing', 'own-store'])('the tests of examples/%s pass under vitest', { timeout: 60_000 }, async (name) => {
    const expected = programs.filter((path) => path.startsWith(`examples/${name}/`) && path.endsWith('.test.mjs'));
    const ran = await finished([VITEST, 'run', '--root', `examples/${name}`, '--reporter=json'], env);
    const { success, testResults } = JSON.parse(ran.stdout) as {
      success: boolean;
      testResults: { name: string; status: string }[];
    };

    expect({ code: ran.code, success }).toEqual({ code: 0, success: true });
    expect(testResults.map(({ name: path, status }) => `${status}: ${path.slice(ROOT.length)}`).toSorted()).toEqual(
      expected.map((path) => `passed: ${path}`),
    );
  });

  it('node-test.mjs passes under node --test', async () => {
    const ran = await finished(['--test', '--test-reporter=tap', 'examples/testing/node-test.mjs'], env);

    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/# pass 1\n# fail 0/) });
  });
});
