import { inspect } from 'node:util';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyedClient, type KeyProvider } from '../../src/core/index.js';
import { metalsApi } from '../../src/prices/index.js';
import { fromEnvironment } from '../../src/providers/env/index.js';
import { fromFile } from '../../src/providers/file/index.js';
import { writeToFile } from '../../src/providers/file/write.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { fromKms, kmsCipher } from '../../src/providers/kms/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../src/providers/local/index.js';
import { fromVault } from '../../src/providers/vault/index.js';
import { fileRing, fromKeyRing, KeyRotationManager } from '../../src/rotation/index.js';
import { memoryKeyProvider } from '../../src/testing/index.js';
import { temporaryFolder } from '../cli/run.js';
import { failure, request } from './loading.js';

const SECRETS = [
  'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
  // As `openssl rand -base64 32` prints a master key.
  'q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=',
  'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  '0123456789abcdef0123456789abcdef',
  'goldapi-1a2b3ctkw9x8y7z-io',
];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await createMasterKey(join(folder.path, 'master.key'));
});
afterAll(() => folder[Symbol.asyncDispose]());

const encryptionContext = { service: 'gold' };
const masterKeyFile = (): string => join(folder.path, 'master.key');
const local = () => localCipher({ masterKeyFile: masterKeyFile(), encryptionContext });
const load = (provider: KeyProvider): Promise<unknown> => provider.load(request());
const client = (): KeyedClient => new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'an-invented-key' }) });
const ciphertext = Buffer.alloc(100, 7).toString('base64');

/** Where a key may land that was given in the wrong place. Each rejects or throws. */
const PLACES: Readonly<Record<string, (secret: string) => unknown>> = {
  'the master-key file of fromLocal': (secret) =>
    load(fromLocal({ masterKeyFile: secret, ciphertext, encryptionContext })),
  'the master-key file of localCipher': (secret) =>
    localCipher({ masterKeyFile: secret, encryptionContext }).encrypt('an-invented-key'),
  'the path of createMasterKey': (secret) => createMasterKey(secret),
  'the path of fromFile': (secret) => load(fromFile({ path: secret })),
  'a key file to write': (secret) => writeToFile(`none/${secret}`, 'an-invented-key'),
  'the name of fromEnvironment': (secret) => load(fromEnvironment(secret)),
  'the name of an upper-case variable': (secret) => load(fromEnvironment(secret.toUpperCase().replaceAll('-', '_'))),
  'an option of fromKms': (secret) => fromKms({ ciphertext, encryptionContext, [secret]: true }),
  'an option of a client': (secret) =>
    new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'an-invented-key' }), [secret]: 1 }),
  'an option of `retry`': (secret) =>
    new KeyedClient({
      keyProvider: memoryKeyProvider({ current: 'an-invented-key' }),
      retry: { [secret]: 1 } as never,
    }),
  'an option of metalsApi': (secret) => metalsApi({ [secret]: 1 } as never),
  'a metal in `bounds`': (secret) => metalsApi({ bounds: { [secret]: [1, 2] } }),
  'the name of an event': (secret) => client().on(secret as never, () => undefined),
  'a symbol as event': (secret) => client().on(Symbol(secret) as never, () => undefined),
  'the `keyId` of fromKms': (secret) => fromKms({ ciphertext, encryptionContext, keyId: secret }),
  'the `keyId` of fromKmsLight': (secret) => fromKmsLight({ ciphertext, encryptionContext, keyId: secret }),
  'the `keyId` of kmsCipher': (secret) => kmsCipher({ keyId: secret, encryptionContext }),
  'the Region of kmsCipher': (secret) =>
    kmsCipher({ keyId: 'alias/x', encryptionContext, region: secret, clientConfig: { region: 'eu-west-1' } }),
  'a key of the EncryptionContext': (secret) => fromKms({ ciphertext, encryptionContext: { [secret]: 1 } as never }),
  'a bound pair that is pinned': (secret) =>
    localCipher({ masterKeyFile: masterKeyFile(), encryptionContext: { [secret]: 'a' } }).encrypt('an-invented-key', {
      bind: { [secret]: 'b' },
    }),
  'a key of a context that does not fit': async (secret) => {
    const { ciphertext: made } = await local().encrypt('an-invented-key');
    return localCipher({ masterKeyFile: masterKeyFile(), encryptionContext: { [secret]: 'a' } }).decrypt(made);
  },
  'the certificate authorities of Vault': (secret) =>
    load(
      fromVault({
        address: 'https://127.0.0.1:1',
        auth: { method: 'token', token: 't' },
        path: 'gold',
        caFile: secret,
      }),
    ),
  'the file of a Kubernetes token': (secret) =>
    load(
      fromVault({
        address: 'https://127.0.0.1:1',
        auth: { method: 'kubernetes', role: 'gold', jwtFile: secret },
        path: 'gold',
      }),
    ),
  'the path of a ring': (secret) =>
    new KeyRotationManager({ ring: fileRing(`none/${secret}`), name: 'gold', cipher: local() }).init('an-invented-key'),
  'the pinned version': async (secret) => {
    const ring = fileRing(join(folder.path, 'gold.ring.json'));
    const manager = new KeyRotationManager({ ring, name: 'gold', cipher: local() });
    if ((await ring.read()) === undefined) await manager.init('an-invented-key');
    return load(fromKeyRing({ ring, name: 'gold', cipher: local(), pinnedVersion: secret }));
  },
  'the version of a step': async (secret) => {
    const ring = fileRing(join(folder.path, 'gold-step.ring.json'));
    const manager = new KeyRotationManager({ ring, name: 'gold', cipher: local() });
    if ((await ring.read()) === undefined) {
      await manager.init('an-invented-key');
      await manager.stage('another-invented-key');
    }
    return manager.canary(1, { version: secret });
  },
};

describe.each(Object.entries(PLACES))('a key given as %s', (_, use) => {
  it.each(SECRETS)('is not in the error: %s', async (secret) => {
    const error = await failure((async () => use(secret))());

    for (const form of [secret, secret.toUpperCase(), secret.toUpperCase().replaceAll('-', '_')]) {
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(form);
      expect(JSON.stringify(error)).not.toContain(form);
    }
    expect((error as Error).message).toMatch(/^[^\n]{20,}[.?]$/);
  });
});

describe('a number that may be a key of digits', () => {
  it.each<[string, (number: never) => unknown, RegExp]>([
    ['the name of a client', (number) => new KeyedClient({ ...base(), name: number }), /a number of 10 digits/],
    ['the path of fromFile', (number) => fromFile({ path: number }), /a number of 10 digits/],
    ['the master-key file', (number) => createMasterKey(number), /a number of 10 digits/],
    ['a fraction', (number) => new KeyedClient({ ...base(), ttlJitter: number }), /a number of 10 digits/],
    ['`maxChange`', (number) => metalsApi({ maxChange: -number }), /a number of 10 digits/],
  ])('is not shown where it is %s', async (_, use, says) => {
    const error = (await failure((async () => use(4_711_471_147 as never))())) as Error;

    expect(error.message).toMatch(says);
    expect(error.message).not.toContain('4711471147');
  });

  it('is shown where a plausible integer is out of range', () => {
    expect(() => new KeyedClient({ ...base(), ttl: 3_153_600_000 })).toThrow(/`ttl` must be .* got 3153600000\./);
    expect(() => new KeyedClient({ ...base(), ttl: -5 })).toThrow(/got -5\./);
    expect(() => new KeyedClient({ ...base(), ttl: 1.5 })).toThrow(/got 1\.5\./);
  });

  it('is described where it has more than 12 digits', () => {
    expect(() => new KeyedClient({ ...base(), ttl: 1_234_567_890_123 })).toThrow(/got a number of 13 digits\./);
    expect(() => new KeyedClient({ ...base(), ttl: 0.123_456_789 })).toThrow(/got a number of 10 digits\./);
  });
});

describe('what is no secret', () => {
  it('is shown: a path that exists, one of words, one with a short ending, and a misspelt option', async () => {
    const path = join(folder.path, 'a1B2c3D4e5F6a7B8');
    await writeFile(path, 'not base64', { mode: 0o600 });
    const shown = [path, '/run/secrets/gold-api-key', './secrets/key-20260101.txt', join(folder.path, 'missing')];

    for (const masterKey of shown) {
      const store = fromLocal({ masterKeyFile: masterKey, ciphertext: `eyJ${'x'.repeat(90)}.`, encryptionContext });
      expect(((await failure(load(store))) as Error).message).toContain(`\`${masterKey}\``);
    }
    expect(() => fromKms({ ciphertext, encryptionContext, encryptionContxt: {} } as never)).toThrow(
      /has no option `encryptionContxt`; did you mean `encryptionContext`\?/,
    );
    expect(() => kmsCipher({ keyId: 'alias/gold-2026-01-01', encryptionContext })).not.toThrow();
  });
});

function base() {
  return { keyProvider: memoryKeyProvider({ current: 'an-invented-key' }) };
}
