import { describe, expect, inject, it } from 'vitest';
import { startFakeKms } from '../../src/testing/fake-kms/server.js';
import { printed, program } from './user.js';

/** Both builds in one process, as they meet where one part of a program is an ES module and a test runner loads the other. */
const COPIES = `
  import { createRequire } from 'node:module';
  const require = createRequire(import.meta.url);
  const copy = (path) => require(process.cwd() + '/node_modules/goldkey/dist/cjs/' + path + '.js');
  const esm = {
    ...(await import('goldkey')), ...(await import('goldkey/local')), ...(await import('goldkey/prices')),
    ...(await import('goldkey/rotation')), ...(await import('goldkey/testing')), ...(await import('goldkey/kms')),
  };
  const cjs = {
    ...copy('index'), ...copy('providers/local/local'), ...copy('prices/prices'), ...copy('rotation/rotation'),
    ...copy('testing/testing'), ...copy('providers/kms/kms'),
  };
  if (esm.GoldDataClient === cjs.GoldDataClient) throw new Error('one copy');
  for (const [client, rest] of [[esm, cjs], [cjs, esm]]) await run(client, rest);`;

/** A program whose `run` is called with either copy for the client and the other one for the rest. */
const both = (body: string): string => `${COPIES}\nasync function run(one, other) {${body}\n}`;

describe('the two copies work together', () => {
  it('isGoldKeyError knows the errors of either', async () => {
    const ran = await program(
      both(`
      const error = await new one.GoldDataClient({ keyProvider: one.memoryKeyProvider({ current: '' }), fetchPrice: async () => 1 })
        .getPrice('XAU').catch((thrown) => thrown);
      console.log(error instanceof other.GoldKeyError, other.isGoldKeyError(error), other.isGoldKeyError(error, error.code), error.code);`),
    );

    expect(ran).toEqual(printed('false true true ERR_GOLDKEY_FORMAT\nfalse true true ERR_GOLDKEY_FORMAT'));
  });

  it('a provider of the one serves a client of the other, and its errors keep their meaning', async () => {
    const ran = await program(
      both(`
      const keyProvider = other.memoryKeyProvider({ current: 'first-key-0001' });
      const client = new one.KeyedClient({ keyProvider, ttl: 1_000, ttlJitter: 0, refreshAhead: 0, clock: one.manualClock() });
      const seen = [await client.withKey(async ({ apiKey }) => apiKey)];
      keyProvider.failWith(() => new other.KeyNotFoundError('It is gone.'));
      await client.reload().catch((error) => seen.push(error.code, error instanceof other.KeyNotFoundError));
      await client.withKey(async () => 'used').catch((error) => seen.push(error.code));
      console.log(seen.join());`),
    );

    const line = 'first-key-0001,ERR_GOLDKEY_NOT_FOUND,true,ERR_GOLDKEY_NOT_FOUND';
    expect(ran).toEqual(printed(`${line}\n${line}`));
  });

  it('a price API of the one is repaired by a client of the other', async () => {
    const ran = await program(
      both(`
      const api = await other.startFakePriceApi({ keys: ['first-key-0001'] });
      const keyProvider = other.memoryKeyProvider({ current: 'first-key-0001' });
      const gold = new one.GoldDataClient({ keyProvider, ...other.metalsApi({ baseUrl: api.url }) });
      await gold.getPrice('XAU');
      keyProvider.set('current', 'second-key-0002');
      api.accept('second-key-0002');
      api.revoke('first-key-0001');
      console.log((await gold.getPrice('XAU')).metal, keyProvider.loads);
      await gold.close();
      await api.close();`),
    );

    expect(ran).toEqual(printed('XAU 2\nXAU 2'));
  });

  it('a clock of the one moves a client of the other', async () => {
    const ran = await program(
      both(`
      const clock = other.manualClock();
      const keyProvider = one.memoryKeyProvider({ current: 'first-key-0001' });
      const options = { keyProvider, clock, ttl: 60_000, ttlJitter: 0, refreshAhead: 0, timeout: 5_000 };
      const gold = new one.GoldDataClient({ ...options, fetchPrice: (symbol) => symbol === 'XAU' ? 1 : new Promise(() => {}) });
      await gold.getPrice('XAU');
      await clock.advance(60_001);
      await gold.getPrice('XAU');
      const late = gold.getPrice('hangs').catch(({ code }) => code);
      await clock.advance(5_000);
      console.log(keyProvider.loads, await late);`),
    );

    expect(ran).toEqual(printed('2 ERR_GOLDKEY_TIMEOUT\n2 ERR_GOLDKEY_TIMEOUT'));
  });

  it('a ring and a cipher of the one are rotated and read by the other', async () => {
    const ran = await program(
      both(`
      const { mkdtemp, rm } = require('node:fs/promises');
      const folder = await mkdtemp(require('node:os').tmpdir() + '/goldkey-copies-');
      const masterKeyFile = folder + '/master.key';
      await other.createMasterKey(masterKeyFile);
      const ring = { ring: other.fileRing(folder + '/ring.json'), name: 'gold', cipher: other.localCipher({ masterKeyFile, encryptionContext: { a: 'b' } }) };
      const manager = new one.KeyRotationManager({ ...ring, probe: async () => {} });
      await manager.init('first-key-0001');
      const client = new one.KeyedClient({ keyProvider: other.fromKeyRing(ring) });
      const seen = [await client.withKey(async ({ apiKey }) => apiKey)];
      await manager.stage('second-key-0002');
      await manager.promote();
      await client.reload();
      seen.push(await client.withKey(async ({ apiKey }) => apiKey));
      await manager.init('third-key-0003').catch((error) => seen.push(other.isGoldKeyError(error, 'ERR_GOLDKEY_ROTATION')));
      console.log(seen.join());
      await client.close();
      await rm(folder, { recursive: true });`),
    );

    const line = 'first-key-0001,second-key-0002,true';
    expect(ran).toEqual(printed(`${line}\n${line}`));
  });

  it('fromKms of the one serves a client of the other with the SDK that is beside it', async () => {
    await using kms = await startFakeKms();
    const ran = await program(
      both(`
      const { CIPHERTEXT: ciphertext, ENDPOINT: endpoint } = process.env;
      const keyProvider = other.fromKms({ ciphertext, encryptionContext: { a: 'b' }, region: 'eu-central-1', clientConfig: { endpoint } });
      const client = new one.KeyedClient({ keyProvider });
      console.log(await client.withKey(async ({ apiKey }) => apiKey));
      await client.close();`),
      {
        folder: inject('withPeers'),
        env: {
          CIPHERTEXT: kms.encrypt('an-invented-key', { a: 'b' }),
          ENDPOINT: kms.url,
          AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
          AWS_SECRET_ACCESS_KEY: 'invented',
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        },
      },
    );

    expect(ran).toEqual(printed('an-invented-key\nan-invented-key'));
  });
});
