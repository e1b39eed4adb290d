// The service whose memory memory.test.ts searches. It gets keys as ciphertexts and over the wire: no key is in its text.
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { Session } from 'node:inspector/promises';
import { createInterface } from 'node:readline';
import { GoldDataClient } from 'goldkey';

const { stores, uses, mode, encryptionContext, ...at } = JSON.parse(process.argv[2]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const session = new Session();
session.connect();
/** What the service still holds: errors, and adapters with their connections. */
const kept = [];
const told = { answers: 0, errors: 0 };

const credentials = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret-access-key' };
const aws = { endpoint: at.kms, region: 'us-east-1', credentials };
const encrypted = { ciphertext: at.ciphertext, encryptionContext };
const STORES = {
  file: async () => (await import('goldkey/file')).fromFile({ path: at.file, watch: false }),
  local: async () =>
    (await import('goldkey/local')).fromLocal({
      ...encrypted,
      ciphertext: at.localCiphertext,
      masterKeyFile: at.masterKeyFile,
    }),
  kmsLight: async () => (await import('goldkey/kms-light')).fromKmsLight({ ...encrypted, ...aws }),
  kms: async () => (await import('goldkey/kms')).fromKms({ ...encrypted, clientConfig: aws }),
  vault: async () =>
    (await import('goldkey/vault')).fromVault({
      address: at.vault,
      path: 'gold',
      auth: { method: 'token', token: 'invented-token' },
    }),
};
const { goldApi, metalsApi } = await import('goldkey/prices');
const USES = {
  bytes: () => ({ fetchPrice: async (_metal, { bytes }) => bytes.reduce((sum, byte) => sum + byte) }),
  throwing: () => ({
    fetchPrice: async (_metal, { apiKey }) => {
      const url = `/?key=${encodeURIComponent(apiKey)}`;
      throw Object.assign(new Error(`GET ${url}`, { cause: btoa(apiKey) }), { config: { url, key: apiKey } });
    },
  }),
  header: () => goldApi({ baseUrl: at.header }),
  query: () => metalsApi({ baseUrl: at.query }),
  quotingHeader: () => goldApi({ baseUrl: at.quoting }),
  quotingQuery: () => metalsApi({ baseUrl: at.quoting }),
};

/** What a service must not do: each would leave the key in memory. */
const FAULTS = {
  string: ({ apiKey }) => kept.push(`key: ${apiKey}`),
  forms: ({ apiKey, bytes }) => {
    const masterKey = readFileSync(at.masterKeyFile, 'utf8');
    kept.push(Buffer.from(bytes), Buffer.from(apiKey, 'utf16le'), Buffer.from(encodeURIComponent(apiKey)));
    kept.push(Buffer.from(Buffer.from(bytes).toString('hex')));
    kept.push(Buffer.from(btoa(apiKey)), Buffer.from(btoa(apiKey), 'utf16le'));
    kept.push(Buffer.from(masterKey), Buffer.from(masterKey, 'base64'));
  },
  // Let go, but not zeroed.
  dropped: ({ bytes }) => {
    for (let count = 0; count < 20; count++) Buffer.allocUnsafeSlow(1_000).set(bytes, 900);
  },
};

/** Calls one after the other, on node:http; then many at once, from which undici takes over. */
async function use(store, name) {
  const api = USES[name]();
  kept.push(api);
  const gold = new GoldDataClient({ keyProvider: await STORES[store](), retry: false, ...api });
  const call = (metal) =>
    gold.getPrice(metal).then(
      () => told.answers++,
      (error) => {
        told.errors++;
        if (mode !== 'forgetful') kept.push(error);
      },
    );
  for (let count = 0; count < 3; count++) await call('XAU');
  await gold.reload();
  const burst = () => Promise.all(Array.from({ length: 20 }, () => call('XAG')));
  if (name !== 'bytes') {
    await burst();
    await pause(60);
    await burst();
  }
  if (mode in FAULTS) await gold.withKey((context) => FAULTS[mode](context));
  await pause(5);
  if (mode === 'open') return void kept.push(gold);
  gold.evict();
  await gold.close();
}

const collect = async () => {
  await pause(2);
  await session.post('HeapProfiler.collectGarbage');
};
const fillStack = (depth) => (depth === 0 ? 0 : 1 + fillStack(depth - 1));

/** Collects garbage, and reuses the stack and what V8 has freed: 32 MB of short-lived arrays, and 20 MB that live on. */
async function reuseHeap() {
  let last;
  for (let count = 0; count < 32_768; count++) last = Array.from({ length: 120 }, () => count + 0.5);
  fillStack(5_000);
  const held = Array.from({ length: 100_000 }, (_none, count) => Array.from({ length: 4 + (count % 40) }, () => count));
  await collect();
  held.push(last);
  held.length = 0;
  await collect();
}

/** Reuses native memory, as the other work of a service does: buffers of all sizes, and answers of other servers. */
async function reuseNative() {
  const held = [];
  for (let size = 16; size <= 65_536; size = Math.ceil(size * 1.2)) {
    const count = Math.min(2_000, Math.ceil(262_144 / size));
    for (let index = 0; index < count; index++) held.push(Buffer.alloc(size, 0x78));
  }
  // Node.js's pool, which moves on after 8 KB.
  for (let index = 0; index < 100; index++) held.push(Buffer.from('y'.repeat(400)));
  const undici = await import('undici');
  // Its own: from Node.js 22 on the one that requests share may be that of Node.js, with a parser of its own.
  const dispatcher = new undici.Agent();
  const agent = new Agent({ keepAlive: false });
  const viaNode = () =>
    new Promise((resolve, reject) => {
      get(`${at.other}/60000`, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  // No longer than the room in the memory of undici's parser, which would take other room.
  const viaUndici = async () => (await undici.request(`${at.other}/3000`, { dispatcher })).body.dump();
  await Promise.all(Array.from({ length: 20 }, () => [viaNode(), viaUndici()]).flat());
  return held.length;
}

for (const store of stores) for (const name of uses) await use(store, name);
console.log(JSON.stringify(told));
for await (const order of createInterface({ input: process.stdin })) {
  if (order === 'heap') await reuseHeap();
  if (order === 'native') await reuseNative();
  console.log(order);
}
