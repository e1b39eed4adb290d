// A rotation from code: a new key is tried, staged, used by a tenth of the clients, promoted; the old one stays a day.
// Run it again where it was broken off: a step that was taken is not taken twice. When all is done, `stage` says that the
// key is in use.
//
//   NEW_KEY_FILE                               a file with the new key, from the vendor's page
//   RING_FILE, MASTER_KEY_FILE, PRICE_API_URL  optional
import { readFile } from 'node:fs/promises';
import { GoldDataClient } from 'goldkey';
import { localCipher } from 'goldkey/local';
import { metalsApi } from 'goldkey/prices';
import { fileRing, fromKeyRing, KeyRotationManager } from 'goldkey/rotation';

const ring = fileRing(process.env.RING_FILE ?? './gold.ring.json');
// In production: kmsCipher({ keyId: 'alias/gold-api-keys', encryptionContext }) of goldkey/kms.
const cipher = localCipher({
  masterKeyFile: process.env.MASTER_KEY_FILE ?? './master.key',
  encryptionContext: { service: 'gold-data-stream' },
});
const prices = metalsApi({ baseUrl: process.env.PRICE_API_URL });

const rotation = new KeyRotationManager({
  ring,
  name: 'gold',
  cipher,
  // Tries a key by asking for one price with it; an error refuses the key.
  async probe(key, { signal }) {
    const load = async () => ({ bytes: new TextEncoder().encode(key), version: 'probe' });
    const client = new GoldDataClient({ keyProvider: { name: 'probe', load }, ...prices });
    await client.getPrice('XAU', { signal }).finally(() => client.close());
  },
});

const { NEW_KEY_FILE } = process.env;
if (NEW_KEY_FILE === undefined) throw new Error('Set NEW_KEY_FILE to the file with the new key.');
const { version } = await rotation.stage((await readFile(NEW_KEY_FILE, 'utf8')).trim());
await rotation.canary(10, { version });
console.log((await rotation.status()).nextStep);

// Meanwhile the services read the ring like this.
const gold = new GoldDataClient({ keyProvider: fromKeyRing({ ring, name: 'gold', cipher }), ...prices });
const quote = await gold.getPrice('XAU');
console.log(`XAU ${quote.price.toFixed(2)} with ${gold.status().version}`);
await gold.close();

await rotation.promote({ version, overlap: 24 * 60 * 60 * 1000 });
console.log((await rotation.status()).nextStep);
