import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { node, printed, program } from './user.js';

const KEY = 'sk-invented/+&=0123456789';

let kms: FakeKms;
beforeAll(async () => {
  kms = await startFakeKms();
});
afterAll(() => kms.close());

const PRICE_UNDER_KMS = `
  import { GoldDataClient } from 'goldkey';
  import { fromKms } from 'goldkey/kms';
  const gold = new GoldDataClient({
    keyProvider: fromKms({
      ciphertext: process.env.CIPHERTEXT, encryptionContext: { a: 'b' },
      region: 'eu-central-1', clientConfig: { endpoint: process.env.ENDPOINT },
    }),
    fetchPrice: async (symbol, { apiKey }) => symbol + ' with a key of ' + apiKey.length,
  });
  try {
    console.log(await gold.getPrice('XAU'));
  } catch ({ name, code, message }) {
    console.log(name, code, message);
  }`;

function forKms(): Record<string, string> {
  return {
    CIPHERTEXT: kms.encrypt(KEY, { a: 'b' }),
    ENDPOINT: kms.url,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'invented',
    AWS_EC2_METADATA_DISABLED: 'true',
    // The SDK's word about Node.js 20 is not this package's.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

describe('a user’s program', () => {
  it('asks for a price in ten lines', async () => {
    const ran = await program(`
      import { GoldDataClient } from 'goldkey';
      import { memoryKeyProvider } from 'goldkey/testing';

      const gold = new GoldDataClient({
        keyProvider: memoryKeyProvider({ current: 'first-key-0001' }),
        fetchPrice: async (symbol, { apiKey }) => ({ symbol, price: 2000, signed: apiKey.length }),
      });
      const { symbol, price, signed } = await gold.getPrice('XAU');
      console.log(symbol, price, signed);`);

    expect(ran).toEqual(printed('XAU 2000 14'));
  });

  it('is repaired, once, when the price API refuses the key after a rotation', async () => {
    const ran = await program(`
      import { GoldDataClient } from 'goldkey';
      import { metalsApi } from 'goldkey/prices';
      import { memoryKeyProvider, startFakePriceApi } from 'goldkey/testing';

      const api = await startFakePriceApi();
      const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });
      const gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: api.url }) });
      try {
        for (const key of ['first-key-0001', 'second-key-0002']) {
          keyProvider.set('current', key);
          api.accept(key);
          if (keyProvider.loads > 0) api.revoke('first-key-0001');
          const { metal, price } = await gold.getPrice('XAU');
          console.log(metal, price > 0, keyProvider.loads);
        }
      } finally {
        await gold.close();
        await api.close();
      }`);

    expect(ran).toEqual(printed('XAU true 1\nXAU true 2'));
  });

  it('decrypts under KMS with the SDK beside the package', async () => {
    const ran = await program(PRICE_UNDER_KMS, { folder: inject('withPeers'), env: forKms() });

    expect(ran).toEqual(printed('XAU with a key of 25'));
  });

  it('is told how to install an optional peer that is missing', async () => {
    const ran = await program(PRICE_UNDER_KMS, { env: forKms() });

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^MissingPackageError ERR_GOLDKEY_MISSING_PACKAGE .*npm install @aws-sdk\/client-kms$/m);
  });

  it('signs webhooks with the package alone, and is told how to install what RFC 9421 needs', async () => {
    const source = `
      import { KeyedClient } from 'goldkey';
      import { hmacSigner, hmacVerifier, webhookSigner, webhookVerifier } from 'goldkey/hmac';
      import { memoryKeyProvider } from 'goldkey/testing';
      const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'signing-key-00001' }) });
      const headers = await webhookSigner(client).sign({ id: 'msg_1', body: '{}' });
      console.log((await webhookVerifier(client).verify({ headers, body: '{}' })).id);
      const request = { method: 'GET', url: 'https://api.example/orders' };
      const signed = { 'signature-input': 'goldkey=()', signature: 'goldkey=::' };
      for (const use of [() => hmacSigner(client).sign(request), () => hmacVerifier(client).verify({ ...request, headers: signed })])
        console.log(await use().then(() => 'holds', (error) => error.name + ' ' + error.message));`;
    const alone = await program(source);
    const beside = await program(source, { folder: inject('withPeers') });

    const told = /^MissingPackageError .*npm install http-message-signatures$/;
    const [id, ...errors] = alone.stdout.trim().split('\n');
    expect([id, ...errors.map((error) => told.test(error))]).toEqual(['msg_1', true, true]);
    expect(beside.stdout).toMatch(/^msg_1\nholds\nSignatureError /);
  });

  const ENVELOPE = `
    import { randomBytes } from 'node:crypto';
    import { writeFileSync } from 'node:fs';
    import { envelope } from 'goldkey/envelope';
    import { localCipher } from 'goldkey/local';
    writeFileSync(process.env.FILE, randomBytes(32).toString('base64'), { mode: 0o600 });
    const sealed = envelope({ cipher: localCipher({ masterKeyFile: process.env.FILE, encryptionContext: {} }) });
    const failed = ({ name, code, message }) => console.log(name, code, message);
    await sealed.encrypt('x'.repeat(5_000)).then((message) => sealed.decrypt(message)).then(({ length }) => console.log(length), failed);
    try {
      for await (const piece of sealed.encryptStream().end('x')) if (piece.length === 0) throw new Error('empty');
    } catch (error) {
      failed(error);
    }`;

  it('encrypts an envelope with the three packages of the AWS Encryption SDK beside it', async () => {
    const env = { FILE: join(tmpdir(), `goldkey-${randomUUID()}`) };
    const ran = await program(ENVELOPE, { folder: inject('withPeers'), env });
    await rm(env.FILE);

    expect(ran).toEqual(printed('5000'));
  });

  it('is told to install those three where they are missing, by a call and by a stream', async () => {
    const env = { FILE: join(tmpdir(), `goldkey-${randomUUID()}`) };
    const ran = await program(ENVELOPE, { env });
    await rm(env.FILE);

    const line =
      'MissingPackageError ERR_GOLDKEY_MISSING_PACKAGE goldkey/envelope needs the AWS Encryption SDK, which is not installed: npm install @aws-crypto/encrypt-node@5 @aws-crypto/decrypt-node@5 @aws-crypto/material-management-node@5';
    expect(ran).toEqual(printed(`${line}\n${line}`));
  });
});

describe('the installed command', () => {
  const goldkey = (...args: string[]) =>
    node([join(inject('plain'), 'node_modules', '.bin', 'goldkey'), ...args], inject('plain'));

  it('goldkey --version prints the version of the package', async () => {
    expect(await goldkey('--version')).toEqual(printed(manifest.version));
  });

  it('goldkey --help lists the commands', async () => {
    const ran = await goldkey('--help');

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    for (const command of ['create-key', 'encrypt', 'verify', 'price', 'demo']) expect(ran.stdout).toContain(command);
  });

  it('goldkey demo runs with no more than the package', async () => {
    const ran = await goldkey('demo');

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('All of it happened as told.');
  });
});
