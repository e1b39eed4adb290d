import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoldDataClient, KeyProviderError, type KeyProvider } from '../../../core/index.js';
import { metalsApi } from '../../../prices/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../../providers/local/index.js';
import { startFakePriceApi } from '../../../testing/fake-price-api/server.js';
import { manualClock } from '../../../testing/manual-clock.js';
import type { CliIo } from '../../io.js';
import { Narrator } from './narrator.js';
import { rotateRing } from './rotation.js';

const CACHED = 200;
const STALE = 3;
const encryptionContext = { service: 'gold-data-stream', environment: 'demo' };

/**
 * Tells the life of a key while it happens: each figure is read from the client, the store or the price API of this run,
 * and the figures that the story depends on are checked. Returns the exit code: 1 if one of them differs.
 */
export async function demo(io: CliIo): Promise<number> {
  await using environment = await createEnvironment();
  const { gold, api, store, clock, keys, storeNewKey } = environment;
  const narrator = new Narrator(io);
  narrator.say('The life of a price API key, on this machine alone: a master key in a temporary folder, a price API');
  narrator.say('on loopback, invented keys. The clock is moved by hand, so nothing here waits.\n');

  const { ciphertext, fingerprint } = await storeNewKey();
  narrator.scene(
    'Encrypt',
    `The key becomes ${ciphertext.slice(0, 24)}… (${String(ciphertext.length)} characters, safe in Git).`,
    `Its fingerprint is ${fingerprint}; the key itself is never shown.`,
  );

  const first = await gold.getPrice('XAU');
  narrator.scene(
    'First price',
    `XAU ${first.price.toFixed(2)} ${first.currency} per troy ounce. Decryptions so far: ${String(store.decryptions)}.`,
  );

  await Promise.all(Array.from({ length: CACHED }, () => gold.getPrice('XAU')));
  narrator.scene(
    'Cached',
    `${String(CACHED)} more prices at once. Decryptions so far: ${String(store.decryptions)}: the key was in the cache.`,
  );
  narrator.check({ 'decryptions after the cached prices': [1, store.decryptions] });

  const { fingerprint: newFingerprint } = await storeNewKey();
  for (const key of keys.slice(0, -1)) api.revoke(key);
  narrator.scene(
    'Rotated',
    `A new key (fingerprint ${newFingerprint}) is in the store; the price API rejects the old one.`,
    'The client does not know yet.',
  );

  const before = api.calls.length;
  const { price } = await gold.getPrice('XAU');
  const statuses = api.calls.slice(before).map(({ status }) => String(status));
  narrator.scene(
    'Repaired',
    `The next call: HTTP ${statuses.join(', then ')}. The caller got ${price.toFixed(2)} and no error.`,
    `Decryptions so far: ${String(store.decryptions)}; key in use: ${String(gold.status().fingerprint)}.`,
  );
  narrator.check({ 'key in use after the repair': [newFingerprint, gold.status().fingerprint] });

  store.down = true;
  await clock.advance(6 * 60_000);
  for (let call = 0; call < STALE; call++) await gold.getPrice('XAU');
  const { counts, state } = gold.status();
  narrator.scene(
    'Store down',
    'Six minutes later on the clock, the key has expired after its five, and the store is down (simulated).',
    `${String(STALE)} prices asked, ${String(STALE)} answered: the last good key stays in use, for ten minutes at most.`,
    `Failed reads of the store: ${String(store.failures)}; times a stale key was chosen: ${String(counts.stale)}.`,
  );
  narrator.check({ 'stale keys chosen': [STALE, counts.stale], 'state of the key': ['stale', state] });

  await rotateRing(environment, narrator);

  const { calls, rejections, repairs } = gold.status().counts;
  const refused = api.calls.filter(({ status }) => status === 401).length;
  const good = api.calls.filter(({ status }) => status === 200).length;
  const prices = 1 + CACHED + 1 + STALE;
  narrator.scene(
    'Counts',
    `Prices asked for ${String(calls)}, answered ${String(good)}; decryptions ${String(store.decryptions)}.`,
    `Requests refused ${String(refused)}, calls repaired ${String(repairs)}; errors the caller saw ${String(calls - good)}.`,
    `Keys in what was printed: ${String(narrator.countKeysShown(keys))}.`,
  );
  narrator.check({
    'prices asked for': [prices, calls],
    'prices answered': [prices, good],
    'requests in all': [prices + 1, api.calls.length],
    'requests refused': [1, refused],
    'rejections that the client counted': [1, rejections],
    repairs: [1, repairs],
    decryptions: [2, store.decryptions],
    'keys in the output': [0, narrator.countKeysShown(keys)],
  });
  return narrator.finish();
}

/**
 * Creates the parts that the demo runs on, all real but the price API, the clock and the outage, in a temporary folder
 * that is removed with them.
 */
async function createEnvironment() {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-demo-'));
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  const cipher = localCipher({ masterKeyFile, encryptionContext });
  const api = await startFakePriceApi();
  const clock = manualClock(Date.now());
  /** Counts at the key store, and a switch that takes it down. */
  const store = { decryptions: 0, failures: 0, down: false };
  /** All keys of the demo, to look for in the output. */
  const keys: string[] = [];
  let ciphertext = '';
  const local = fromLocal({ masterKeyFile, ciphertext: () => ciphertext, encryptionContext });
  const keyProvider: KeyProvider = {
    ...local,
    async load(request) {
      if (store.down) {
        store.failures++;
        throw new KeyProviderError('The key store is down (a part of the demo).');
      }
      const loaded = await local.load(request);
      if (loaded !== undefined && 'bytes' in loaded) store.decryptions++;
      return loaded;
    },
  };
  const gold = new GoldDataClient({ keyProvider, clock, ...metalsApi({ baseUrl: api.url }) });
  /** Creates a key that opens nothing. */
  const inventKey = (): string => {
    const key = `demo-${randomBytes(16).toString('hex')}`;
    keys.push(key);
    return key;
  };

  return {
    ...{ folder, cipher, gold, api, clock, store, keys, inventKey },
    /** Creates a key that the price API accepts, and puts its ciphertext into the store. */
    async storeNewKey() {
      const key = inventKey();
      const encrypted = await cipher.encrypt(key);
      api.accept(key);
      ({ ciphertext } = encrypted);
      return encrypted;
    },
    async [Symbol.asyncDispose]() {
      await gold.close();
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
