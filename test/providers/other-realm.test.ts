import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { types } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toAwsError, type AwsCall, type AwsErrorMap } from '../../src/aws/errors.js';
import { checkClientConfig, isEqual } from '../../src/aws/client-config.js';
import { fromChain } from '../../src/providers/chain/index.js';
import { fromKms, kmsCipher } from '../../src/providers/kms/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../src/providers/local/index.js';
import {
  assertNoSecret,
  keyProviderContract,
  memoryKeyProvider,
  startFakeKms,
  type FakeKms,
} from '../../src/testing/index.js';
import { toRedisError } from '../../src/redis/errors.js';
import { KeyProviderError, systemClock } from '../../src/core/index.js';
import { failure, request, text } from './loading.js';

// Jest, jsdom and node:vm give code a realm of its own, whose classes are not those of the code that it calls.

const KEY = 'invented-key-4711';
const encryptionContext = { service: 'gold-data-stream' };

/** Makes a value in another realm. */
const elsewhere = (expression: string, given: object = {}): unknown => runInNewContext(expression, { ...given });

/** Copies bytes into another realm. */
function foreignBytes(bytes: Uint8Array): Uint8Array {
  const copy = elsewhere('Uint8Array.from(list)', { list: [...bytes] });
  expect(copy instanceof Uint8Array || !types.isUint8Array(copy)).toBe(false);
  return copy as Uint8Array;
}

let folder: string;
let masterKeyFile: string;
let kms: FakeKms;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'goldkey-'));
  masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  kms = await startFakeKms();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await kms.close();
});

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'invented' };
const sdkOptions = (): { region: string; clientConfig: object } => ({
  region: kms.region,
  clientConfig: { endpoint: kms.url, credentials },
});

describe('bytes of another realm', () => {
  it('are a key to encrypt, and a ciphertext to decrypt, for every cipher, and are left alone', async () => {
    for (const cipher of [
      localCipher({ masterKeyFile, encryptionContext }),
      kmsCipher({ ...sdkOptions(), keyId: kms.keyArn, encryptionContext }),
    ]) {
      const key = foreignBytes(Buffer.from(KEY));
      const { ciphertext } = await cipher.encrypt(key);
      const opened = await cipher.decrypt(
        foreignBytes(Buffer.from(ciphertext, cipher.name === 'local' ? 'latin1' : 'base64')),
      );

      expect([cipher.name, Buffer.from(opened).toString(), Buffer.from(key).toString()]).toEqual([
        cipher.name,
        KEY,
        KEY,
      ]);
      await cipher.close?.();
    }
  });

  it('are a ciphertext for every store, given as they are or by a function', async () => {
    const local = await localCipher({ masterKeyFile, encryptionContext }).encrypt(KEY);
    const underKms = foreignBytes(Buffer.from(kms.encrypt(KEY, encryptionContext), 'base64'));
    const underFile = foreignBytes(Buffer.from(local.ciphertext));
    const light = { region: kms.region, endpoint: kms.url, credentials: async () => credentials };

    for (const store of [
      fromLocal({ masterKeyFile, encryptionContext, ciphertext: underFile }),
      fromLocal({ masterKeyFile, encryptionContext, ciphertext: async () => underFile }),
      fromKms({ ...sdkOptions(), encryptionContext, ciphertext: underKms }),
      fromKmsLight({ ...light, encryptionContext, ciphertext: underKms }),
    ]) {
      expect(text(await store.load(request(systemClock)))).toBe(KEY);
      await store.close?.();
    }
  });

  it('are copied: a later change of them has no effect', async () => {
    const { ciphertext } = await localCipher({ masterKeyFile, encryptionContext }).encrypt(KEY);
    const bytes = foreignBytes(Buffer.from(ciphertext));
    const store = fromLocal({ masterKeyFile, encryptionContext, ciphertext: bytes });

    bytes.fill(0);

    expect(text(await store.load(request()))).toBe(KEY);
  });

  it('are checked and zeroed where a store of a chain answers with them', async () => {
    const damaged = foreignBytes(Buffer.from('two words'));
    const first = { name: 'first', load: async () => ({ bytes: damaged, version: 'v1' }) };
    const second = { ...memoryKeyProvider({ current: KEY }), plaintextAtRest: false };

    const error = await failure(fromChain([first, second]).load(request()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', provider: 'first' });
    expect([...damaged].every((byte) => byte === 0)).toBe(true);
  });
});

keyProviderContract(
  'a store that answers with bytes of another realm',
  async (key) => {
    const memory = memoryKeyProvider({ current: key });
    const provider = {
      ...memory,
      load: async (asked: Parameters<typeof memory.load>[0]) => {
        const loaded = await memory.load(asked);
        return loaded !== undefined && 'bytes' in loaded ? { ...loaded, bytes: foreignBytes(loaded.bytes) } : loaded;
      },
    };
    return {
      provider,
      rotate: async (next) => memory.set('current', next),
      deny: async () => memory.failWith(() => new KeyProviderError('denied', { retryable: false })),
      stop: async () => memory.failWith(() => new KeyProviderError('down')),
      cleanUp: async () => undefined,
    };
  },
  { describe, it, expect },
);

describe('a configuration of another realm', () => {
  it('is taken, and its endpoint checked', () => {
    const config = (endpoint: string): object =>
      elsewhere('({ region: "eu-central-1", endpoint: new URL(endpoint), nested: { list: [{}] } })', {
        URL,
        endpoint,
      }) as object;

    expect(checkClientConfig(config('https://kms.example'), undefined, 'KMSClientConfig')).toMatchObject({
      region: 'eu-central-1',
    });
    const url =
      'new (class { get [Symbol.toStringTag]() { return "URL" } toString() { return "http://kms.example/" } })()';
    const plainHttp = { endpoint: elsewhere(url) };
    expect(() => checkClientConfig(plainHttp, undefined, 'KMSClientConfig')).toThrow(/`clientConfig.endpoint`/);
    expect(() => checkClientConfig(config('http://kms.example'), undefined, 'X')).toThrow(/`clientConfig.endpoint`/);
  });

  it('equals its like, and no instance of a class does', () => {
    const like = elsewhere('({ a: [1, { b: 2 }] })');

    expect(isEqual(like, { a: [1, { b: 2 }] })).toBe(true);
    expect(isEqual(like, { a: [1, { b: 3 }] })).toBe(false);
    expect(isEqual(elsewhere('new (class { a = 1 })()'), elsewhere('new (class { a = 1 })()'))).toBe(false);
    expect(() => checkClientConfig(elsewhere('new (class {})()') as object, undefined, 'X')).toThrow(/plain object/);
  });
});

describe('an error of another realm', () => {
  const map = {
    provider: 'aws-kms',
    permanent: {},
    text: { service: 'KMS', throttled: String, invalid: String },
  } as unknown as AwsErrorMap<AwsCall>;

  it('loses the request that AWS echoes, as one of this realm does', () => {
    const echo = 'The signature does not match.\\nx-amz-security-token:invented-token';
    const error = elsewhere(
      `Object.assign(new Error('${echo}'), { name: 'SignatureDoesNotMatch', $metadata: { httpStatusCode: 403 } })`,
    );
    expect(error).not.toBeInstanceOf(Error);

    const told = toAwsError(error, { operation: 'Decrypt' }, map);

    assertNoSecret(told, 'invented-token');
    expect((told.cause as Error).message).toBe('The signature does not match.');
  });

  it('of a socket or of Redis is told by its code', async () => {
    const refused = elsewhere(`Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })`);
    const noAuth = elsewhere(`new Error('NOAUTH Authentication required.')`);

    expect(toRedisError(refused, []).message).toContain('ECONNREFUSED');
    expect(toRedisError(noAuth, [])).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
    expect(await failure(Promise.reject(toRedisError(elsewhere('null'), [])))).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
    });
  });
});
