import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoldDataClient, KeyProviderError, type KeyCipher, type KeyProvider } from '../../../core/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../../providers/local/index.js';
import { metalsApi, type PriceQuery, type Quote } from '../../../prices/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../../testing/fake-price-api/server.js';
import { manualClock, type ManualClock } from '../../../testing/manual-clock.js';

const CONTEXT = { service: 'gold-data-stream', environment: 'demo' };

/** What a key looks like when it may be shown. */
interface ShownKey {
  ciphertext: string;
  fingerprint: string;
}

/** Everything the demo runs on: all real but the price API, the clock, and the outage. */
export interface Stage extends AsyncDisposable {
  /** Where everything lies. */
  folder: string;
  cipher: KeyCipher;
  gold: GoldDataClient<Quote, string | PriceQuery>;
  api: FakePriceApi;
  clock: ManualClock;
  /** Counted at the key store itself. */
  store: { decryptions: number; failures: number; down: boolean };
  /** Encrypts a new invented key and puts its ciphertext where the store reads it; the price API honours it. */
  newKey(): Promise<ShownKey>;
  /** The price API refuses every key but the newest. */
  revokeOldKeys(): void;
  /** Every key there was, to look for in what was printed. */
  keys: string[];
}

/** Sets the stage up in a temporary folder, which goes with it. */
export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-demo-'));
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  const cipher = localCipher({ masterKeyFile, encryptionContext: CONTEXT });
  const api = await startFakePriceApi();
  const clock = manualClock(Date.now());
  const store = { decryptions: 0, failures: 0, down: false };
  const keys: string[] = [];
  let ciphertext = '';
  const local = fromLocal({ masterKeyFile, ciphertext: () => ciphertext, encryptionContext: CONTEXT });
  const gold = new GoldDataClient({ keyProvider: watched(local, store), clock, ...metalsApi({ baseUrl: api.url }) });

  return {
    folder,
    cipher,
    gold,
    api,
    clock,
    store,
    keys,
    async newKey() {
      const key = inventKey();
      const encrypted = await cipher.encrypt(key);
      keys.push(key);
      api.accept(key);
      ({ ciphertext } = encrypted);
      return encrypted;
    },
    revokeOldKeys() {
      for (const key of keys.slice(0, -1)) api.revoke(key);
    },
    async [Symbol.asyncDispose]() {
      await gold.close();
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A key that opens nothing. */
export function inventKey(): string {
  return `demo-${randomBytes(16).toString('hex')}`;
}

/** The store as it is, with a counter and a switch that takes it down. */
function watched(provider: KeyProvider, store: Stage['store']): KeyProvider {
  return {
    ...provider,
    async load(request) {
      if (store.down) {
        store.failures++;
        throw new KeyProviderError('The key store is down (a part of the demo).');
      }
      const loaded = await provider.load(request);
      if (loaded !== undefined && 'bytes' in loaded) store.decryptions++;
      return loaded;
    },
  };
}
