// The service whose memory memory.test.ts searches. It gets keys as ciphertexts and over the wire: no key is in its text.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { GoldDataClient } from 'goldkey';
import { reuseHeap, reuseNative } from './reuse-memory.mjs';

const { stores, uses, mode, encryptionContext, ...at } = JSON.parse(process.argv[2]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
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

for (const store of stores) for (const name of uses) await use(store, name);
console.log(JSON.stringify(told));
for await (const order of createInterface({ input: process.stdin })) {
  if (order === 'heap') await reuseHeap();
  if (order === 'native') await reuseNative(at.other);
  console.log(order);
}
