import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const DIST = pathToFileURL(join(import.meta.dirname, '../../dist/esm')).href;

/** The key is put together at run time, from a number alone: the sources in the heap must not hold it. */
const PROGRAM = `
import { GoldDataClient } from '${DIST}/index.js';
import * as prices from '${DIST}/prices/prices.js';
import { writeHeapSnapshot } from 'node:v8';

const [, , api, baseUrl, bursts, mode, file] = process.argv;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const keyProvider = {
  name: 'made',
  load: async () => ({ bytes: Uint8Array.from({ length: 40 }, (_, i) => 97 + ((i * i * 7 + 3 * i + 11) % 26)), version: '1' }),
};
// Kept, so that its connections are reachable.
const adapter = prices[api]({ baseUrl });
async function use() {
  const gold = new GoldDataClient({ keyProvider, retry: false, ...adapter });
  for (let call = 0; call < 3; call++) await gold.getPrice('XAU');
  for (let burst = 0; burst < Number(bursts); burst++) {
    await Promise.all(Array.from({ length: 30 }, () => gold.getPrice('XAU')));
    await pause(300);
  }
  if (mode !== 'used') gold.evict();
  if (mode === 'closed') await gold.close();
  return gold;
}
const gold = await use();
for (let round = 0; round < 6; round++) { await pause(2); globalThis.gc(); }
writeHeapSnapshot(file);
console.log(gold.status().state, typeof adapter.fetchPrice);
process.exit(0);
`;

const key = Buffer.from(Array.from({ length: 40 }, (_, i) => 97 + ((i * i * 7 + 3 * i + 11) % 26))).toString();
/** The key as text and as UTF-16, and the part of its base64 that no neighbour changes. */
const FORMS = [key, Buffer.from(key, 'utf16le').toString('latin1'), Buffer.from(key).toString('base64').slice(0, 52)];
const run = promisify(execFile);
const clients = new Set<string>();
const answer: RequestListener = (request, response) => {
  clients.add(request.rawHeaders.includes('Host') ? 'node' : 'undici');
  const quote = { metal: 'XAU', currency: 'USD', price: 2000, timestamp: Math.floor(Date.now() / 1000) };
  response.end(JSON.stringify({ success: true, base: 'USD', rates: { USDXAU: 2000 }, ...quote }));
};
const server = createServer(answer);
let secure: ReturnType<typeof createSecureServer>;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goldkey-heap-'));
  const [keyFile, caFile] = [join(folder, 'key.pem'), join(folder, 'ca.pem')];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', keyFile, '-out', caFile];
  const names = ['-subj', '/CN=price API of a test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', [...made, ...names], { stdio: 'ignore' });
  secure = createSecureServer({ cert: readFileSync(caFile), key: readFileSync(keyFile) }, answer);
  await writeFile(join(folder, 'program.mjs'), PROGRAM);
  await Promise.all([server, secure].map((one) => once(one.listen(0, '127.0.0.1'), 'listening')));
});
afterAll(async () => {
  for (const one of [server, secure]) {
    one.closeAllConnections();
    one.close();
  }
  await rm(folder, { recursive: true, force: true });
});

/** Runs the program, and returns its last words and its heap. */
async function snapshot(api: string, scheme: string, bursts: number, mode: string): Promise<[string, string]> {
  const file = join(folder, 'program.heapsnapshot');
  const { port } = (scheme === 'https' ? secure : server).address() as AddressInfo;
  const address = `${scheme}://127.0.0.1:${String(port)}`;
  const args = ['--expose-gc', join(folder, 'program.mjs'), api, address, String(bursts), mode, file];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  const { stdout } = await run(process.execPath, args, { env });
  return [stdout.trim(), await readFile(file, 'latin1')];
}

describe('a heap snapshot while the connections to a price API live', { timeout: 60_000 }, () => {
  it.each([
    ['goldApi', 'https', 0, 'evicted', 'empty function', ['node']],
    ['goldApi', 'https', 0, 'closed', 'closed function', ['node']],
    ['goldApi', 'http', 0, 'evicted', 'empty function', ['node']],
    ['metalsApi', 'https', 0, 'evicted', 'empty function', ['node']],
    ['goldApi', 'https', 2, 'evicted', 'empty function', ['node', 'undici']],
    ['metalsApi', 'http', 2, 'evicted', 'empty function', ['node', 'undici']],
  ])('%s over %s, with %i bursts and %s, holds no key in any form', async (api, scheme, bursts, mode, said, used) => {
    clients.clear();
    const [told, heap] = await snapshot(api, scheme, bursts, mode);

    expect([told, clients]).toEqual([said, new Set(used)]);
    for (const form of FORMS) expect(heap.includes(form)).toBe(false);
  });

  it('before `evict()` does hold it, or the test above could never fail', async () => {
    const [, heap] = await snapshot('goldApi', 'https', 0, 'used');
    expect(heap.includes(key)).toBe(true);
  });
});
