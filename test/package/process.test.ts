import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { printed, program } from './user.js';

const KEY = 'sk-invented/+&=0123456789';

/** Prints a last line: whether the process ended by itself soon after its last word. The timers held would be minutes. */
const ENDS = `
  let done = 0;
  const said = (...words) => { console.log(...words); done = performance.now(); };
  process.on('exit', () => console.log(performance.now() - done < 5_000 ? 'ended at once' : 'was held'));`;
const CLIENT = `${ENDS}
  import { setTimeout as sleep } from 'node:timers/promises';
  import { GoldDataClient, KeyedClient } from 'goldkey';
  import { memoryKeyProvider } from 'goldkey/testing';
  const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });`;

let kms: FakeKms;
let api: FakePriceApi;
beforeAll(async () => {
  [kms, api] = await Promise.all([startFakeKms(), startFakePriceApi()]);
  api.accept(KEY);
});
afterAll(() => Promise.all([kms.close(), api.close()]));

describe('an idle client does not hold the process', () => {
  it('after one getPrice whose fetch took 200 ms, without close()', async () => {
    const ran = await program(`${CLIENT}
      const gold = new GoldDataClient({ keyProvider, fetchPrice: (symbol) => sleep(200, symbol) });
      said(await gold.getPrice('XAU'));`);

    expect(ran).toEqual(printed('XAU\nended at once'));
  });

  it('with timers for refresh, expiry and purge waiting, and a signal that was read', async () => {
    const ran = await program(`${CLIENT}
      const client = new KeyedClient({ keyProvider, ttl: 60_000, refreshAhead: 30_000, staleIfError: 600_000 });
      client.on('loaded', () => undefined);
      await client.withKey(async ({ apiKey, signal }) => signal.aborted, { signal: new AbortController().signal });
      await client.reload();
      said(keyProvider.loads);`);

    expect(ran).toEqual(printed('2\nended at once'));
  });

  it('while its store is down and a back-off runs', async () => {
    const ran = await program(`${CLIENT}
      const gold = new GoldDataClient({ keyProvider, ttl: 50, ttlJitter: 0, refreshAhead: 0, fetchPrice: async () => 'price' });
      await gold.getPrice('XAU');
      keyProvider.failWith(() => new Error('down'));
      await sleep(100);
      said(await gold.getPrice('XAU'));`);

    expect(ran).toEqual(printed('price\nended at once'));
  });

  it('after a refused key started a cooldown', async () => {
    const ran = await program(`${CLIENT}
      const fetchPrice = async () => { throw Object.assign(new Error('refused'), { status: 401 }); };
      await new GoldDataClient({ keyProvider, fetchPrice }).getPrice('XAU').catch(({ code }) => said(code));`);

    expect(ran).toEqual(printed('ERR_GOLDKEY_REJECTED\nended at once'));
  });

  it('with a subscription to a store’s changes that failed', async () => {
    const ran = await program(`${CLIENT}
      keyProvider.subscribe = async () => { throw new Error('no connection'); };
      said(await new GoldDataClient({ keyProvider, fetchPrice: async () => 'price' }).getPrice('XAU'));`);

    expect(ran).toEqual(printed('price\nended at once'));
  });

  it('with a pool of tenants', async () => {
    const ran = await program(`${CLIENT}
      import { KeyedClientPool } from 'goldkey/pool';
      const pool = new KeyedClientPool({ max: 1, create: () => ({ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }) }) });
      for (const tenant of ['a', 'b']) await pool.get(tenant).withKey(async ({ apiKey }) => apiKey);
      said(pool.size);`);

    expect(ran).toEqual(printed('1\nended at once'));
  });

  it('with keep-alive sockets to the price API and to KMS', async () => {
    const ran = await program(
      `${CLIENT}
      import { fromKms } from 'goldkey/kms';
      import { metalsApi } from 'goldkey/prices';
      const gold = new GoldDataClient({
        keyProvider: fromKms({
          ciphertext: process.env.CIPHERTEXT, encryptionContext: { a: 'b' },
          region: 'eu-central-1', clientConfig: { endpoint: process.env.KMS },
        }),
        ...metalsApi({ baseUrl: process.env.API }),
      });
      for (let calls = 0; calls < 3; calls++) await gold.getPrice('XAU');
      said((await gold.getPrice('XAU')).metal);`,
      {
        folder: inject('withPeers'),
        env: {
          CIPHERTEXT: kms.encrypt(KEY, { a: 'b' }),
          KMS: kms.url,
          API: api.url,
          AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
          AWS_SECRET_ACCESS_KEY: 'invented',
          AWS_EC2_METADATA_DISABLED: 'true',
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        },
      },
    );

    expect(ran).toEqual(printed('XAU\nended at once'));
  });
});

describe('a script does not end before its call (an unref’d wait would end it with exit code 13)', () => {
  it('when the call waits for a retry', async () => {
    const ran = await program(`${CLIENT}
      const answers = [{ status: 503 }, 'price'];
      const fetchPrice = async () => { const next = answers.shift(); if (next.status) throw next; return next; };
      said(await new GoldDataClient({ keyProvider, fetchPrice, retry: { minTimeout: 300, randomize: false } }).getPrice('XAU'));`);

    expect(ran).toEqual(printed('price\nended at once'));
  });

  it('when nothing but the call’s deadline is pending', async () => {
    const ran = await program(`${CLIENT}
      const gold = new GoldDataClient({ keyProvider, timeout: 300, fetchPrice: () => new Promise(() => undefined) });
      await gold.getPrice('XAU').catch(({ code }) => said(code));`);

    expect(ran).toEqual(printed('ERR_GOLDKEY_TIMEOUT\nended at once'));
  });

  it('when nothing but the key’s own deadline is pending', async () => {
    const ran = await program(`${CLIENT}
      keyProvider.load = () => new Promise(() => undefined);
      const gold = new GoldDataClient({ keyProvider, keyTimeout: 300, fetchPrice: async () => 'price' });
      await gold.getPrice('XAU').catch(({ code }) => said(code));`);

    expect(ran).toEqual(printed('ERR_GOLDKEY_KEY_TIMEOUT\nended at once'));
  });

  it('when it waits a moment for a store that hangs, before it takes the stale key', async () => {
    const ran = await program(`${CLIENT}
      const gold = new GoldDataClient({ keyProvider, ttl: 50, ttlJitter: 0, refreshAhead: 0, keyTimeout: 60_000, fetchPrice: async () => 'price' });
      await gold.getPrice('XAU');
      await sleep(100);
      keyProvider.load = () => new Promise(() => undefined);
      said(await gold.getPrice('XAU'));
      process.exit();`);

    expect(ran).toEqual(printed('price\nended at once'));
  });

  it('when it reloads inside the second that two reloads keep apart', async () => {
    const ran = await program(`${CLIENT}
      const client = new KeyedClient({ keyProvider });
      await client.reload();
      await client.reload();
      said(keyProvider.loads);`);

    expect(ran).toEqual(printed('2\nended at once'));
  });

  it('when close() waits for it', async () => {
    const ran = await program(`${CLIENT}
      const gold = new GoldDataClient({ keyProvider, timeout: 300, fetchPrice: () => new Promise(() => undefined) });
      const call = gold.getPrice('XAU').catch(({ code }) => console.log(code));
      await sleep(50);
      await gold.close();
      await call;
      said('closed');`);

    expect(ran).toEqual(printed('ERR_GOLDKEY_TIMEOUT\nclosed\nended at once'));
  });
});
