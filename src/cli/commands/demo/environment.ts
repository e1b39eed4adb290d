import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoldDataClient, KeyProviderError, type KeyCipher, type KeyProvider } from '../../../core/index.js';
import { metalsApi, type PriceQuery, type Quote } from '../../../prices/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../../providers/local/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../../testing/fake-price-api/server.js';
import { manualClock, type ManualClock } from '../../../testing/manual-clock.js';

const encryptionContext = { service: 'gold-data-stream', environment: 'demo' };

/** The parts that the demo runs on: all real but the price API, the clock and the outage. */
export interface Environment extends AsyncDisposable {
  /** The temporary folder that holds everything. */
  readonly folder: string;
  readonly cipher: KeyCipher;
  readonly gold: GoldDataClient<Quote, string | PriceQuery>;
  readonly api: FakePriceApi;
  readonly clock: ManualClock;
  /** Counts at the key store, and a switch that takes it down. */
  readonly store: { decryptions: number; failures: number; down: boolean };
  /** All keys of the demo, to look for in the output. */
  readonly keys: string[];
  /** Creates a key that opens nothing. */
  inventKey(): string;
  /** Creates a key that the price API accepts, and puts its ciphertext into the store. */
  storeNewKey(): ReturnType<KeyCipher['encrypt']>;
}

/** Creates the environment in a temporary folder, which is removed with it. */
export async function createEnvironment(): Promise<Environment> {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-demo-'));
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  const cipher = localCipher({ masterKeyFile, encryptionContext });
  const api = await startFakePriceApi();
  const clock = manualClock(Date.now());
  const store = { decryptions: 0, failures: 0, down: false };
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
  const inventKey = (): string => {
    const key = `demo-${randomBytes(16).toString('hex')}`;
    keys.push(key);
    return key;
  };

  return {
    ...{ folder, cipher, gold, api, clock, store, keys, inventKey },
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
