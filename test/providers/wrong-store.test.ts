import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromKms, kmsCipher } from '../../src/providers/kms/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../src/providers/local/index.js';
import { fromVaultTransit } from '../../src/providers/vault/index.js';
import { fileRing, fromKeyRing, KeyRotationManager } from '../../src/rotation/index.js';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { run } from '../cli/run.js';
import { failure, request, text } from './loading.js';

const KEY = 'invented-key-4711';
const encryptionContext = { service: 'gold-data-stream' };
const CONTEXT = ['--encryption-context', 'service=gold-data-stream'];
const credentials = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret' };
const JWE = /^eyJ[\w-]+\.(\.[\w-]+){3}$/;

let kms: FakeKms;
let folder: string;
let masterKeyFile: string;
let jwe: string;
let underKms: string;
beforeAll(async () => {
  kms = await startFakeKms({ credentials });
  folder = await mkdtemp(join(tmpdir(), 'goldkey-'));
  masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  jwe = (await localCipher({ masterKeyFile, encryptionContext }).encrypt(KEY)).ciphertext;
  underKms = kms.encrypt(KEY, encryptionContext);
});
beforeEach(() => kms.reset());
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await kms.close();
  await rm(folder, { recursive: true });
});

const sdk = (): object => ({ region: kms.region, clientConfig: { endpoint: kms.url, credentials } });
const light = (): object => ({
  region: kms.region,
  endpoint: kms.url,
  credentials: () => Promise.resolve(credentials),
});

/** Every form in which a ciphertext may be given. */
const forms = (ciphertext: string, bytes: Uint8Array): (string | Uint8Array | (() => string | Promise<string>))[] => [
  ciphertext,
  ` ${ciphertext}\r\n`,
  bytes,
  () => ciphertext,
  () => Promise.resolve(`${ciphertext}\n`),
];

describe('a ciphertext in the wrong store', () => {
  it('is named where a JWE is given to fromKms or fromKmsLight, without a request', async () => {
    for (const ciphertext of forms(jwe, Buffer.from(jwe))) {
      for (const store of [
        fromKms({ ...sdk(), encryptionContext, ciphertext }),
        fromKmsLight({ ...light(), encryptionContext, ciphertext }),
      ]) {
        const error = await failure(store.load(request()));
        await store.close?.();

        expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', provider: 'aws-kms', retryable: false });
        expect((error as Error).message).toMatch(/looks like a JWE of goldkey\/local.*`fromLocal`/);
        expect(inspect(error, { showHidden: true })).not.toContain(jwe.slice(0, 20));
      }
    }
    expect(kms.requests).toEqual([]);
  });

  it('is named where a JWE is given to kmsCipher', async () => {
    const cipher = kmsCipher({ ...sdk(), keyId: kms.keyArn, encryptionContext });

    expect(await failure(cipher.decrypt(jwe))).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    expect(await failure(cipher.decrypt(Buffer.from(jwe)))).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    await cipher.close?.();
    expect(kms.requests).toEqual([]);
  });

  it('is named where one of KMS is given to fromLocal or localCipher', async () => {
    const cipher = localCipher({ masterKeyFile, encryptionContext });
    const bytes = Buffer.from(underKms, 'base64');

    for (const error of [
      ...(await Promise.all(
        forms(underKms, bytes).map((ciphertext) =>
          failure(fromLocal({ masterKeyFile, encryptionContext, ciphertext }).load(request())),
        ),
      )),
      await failure(cipher.decrypt(underKms)),
      await failure(cipher.decrypt(bytes)),
    ]) {
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', provider: 'local', retryable: false });
      expect((error as Error).message).toMatch(/is no JWE.*AWS KMS.*`fromKms`/);
      expect(inspect(error, { showHidden: true })).not.toContain(underKms.slice(0, 20));
    }
  });

  it('is named where a JWE is given to fromVaultTransit', async () => {
    const store = fromVaultTransit({
      address: 'http://127.0.0.1:1',
      auth: { method: 'token', token: 'invented' },
      keyName: 'gold',
      encryptionContext,
      ciphertext: jwe,
    });

    const error = await failure(store.load(request()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    expect((error as Error).message).toMatch(/must start with `vault:v`/);
  });

  it('is named on the command line, in both directions', async () => {
    const local = await run(['verify', '--local', '--master-key', masterKeyFile, ...CONTEXT, '--ciphertext', underKms]);
    const aws = await run([
      'verify',
      '--endpoint-url',
      kms.url,
      '--region',
      kms.region,
      ...CONTEXT,
      '--ciphertext',
      jwe,
    ]);

    expect(local).toMatchObject({ code: 1, stdout: '' });
    expect(local.stderr).toMatch(/^goldkey: --ciphertext is no JWE[^\n]*\n$/);
    expect(aws).toMatchObject({ code: 1, stdout: '' });
    expect(aws.stderr).toMatch(/^goldkey: --ciphertext looks like a JWE of goldkey\/local[^\n]*\n$/);
  });
});

describe('a JWE', () => {
  it('is taken in every form', async () => {
    for (const ciphertext of forms(jwe, Buffer.from(jwe))) {
      expect(text(await fromLocal({ masterKeyFile, encryptionContext, ciphertext }).load(request()))).toBe(KEY);
    }
  });

  it('has one version, whether it is given as text or as bytes', async () => {
    const versions = await Promise.all(
      forms(jwe, Buffer.from(`${jwe}\n`)).map(async (ciphertext) => {
        const loaded = await fromLocal({ masterKeyFile, encryptionContext, ciphertext }).load(request());
        return loaded?.version;
      }),
    );

    expect(new Set(versions).size).toBe(1);
  });

  it('passes through an environment variable and through a file as it is', async () => {
    vi.stubEnv('GOLD_API_KEY_CIPHERTEXT', jwe);
    const path = join(folder, 'key.enc');
    await writeFile(path, `${jwe}\n`);

    for (const ciphertext of [process.env['GOLD_API_KEY_CIPHERTEXT'], () => readFile(path, 'utf8')]) {
      expect(text(await fromLocal({ masterKeyFile, encryptionContext, ciphertext }).load(request()))).toBe(KEY);
    }
  });

  it('stands in a ring as its own text, bound to the ring', async () => {
    const ring = fileRing(join(folder, 'gold.ring.json'));
    const cipher = localCipher({ masterKeyFile, encryptionContext });
    const options = { ring, name: 'gold', cipher };
    await new KeyRotationManager(options).init(KEY);

    const document = JSON.parse(await readFile(join(folder, 'gold.ring.json'), 'utf8')) as {
      versions: { v1: { ciphertext: string } };
    };
    const { ciphertext } = document.versions.v1;

    expect(ciphertext).toMatch(JWE);
    expect(text(await fromKeyRing(options).load(request()))).toBe(KEY);
    expect(await failure(cipher.decrypt(ciphertext))).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT' });
  });
});
