import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromKms } from '../../src/kms.js';
import { createMasterKey, fromLocal, localCipher } from '../../src/local.js';
import { keyProviderContract } from '../../src/testing/contract.js';
import { startFakeKms } from '../../src/testing/fake-kms.js';

const runner = { describe, it, expect };
const encryptionContext = { service: 'gold-data-stream' };

keyProviderContract(
  'fromKms',
  async (key) => {
    const kms = await startFakeKms();
    let ciphertext = kms.encrypt(key, encryptionContext);
    const provider = fromKms({
      ciphertext: () => ciphertext,
      encryptionContext,
      keyId: kms.keyArn,
      region: kms.region,
      clientConfig: { endpoint: kms.url, credentials: { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented' } },
    });
    return {
      provider,
      rotate: async (successor) => {
        ciphertext = kms.encrypt(successor, encryptionContext);
      },
      deny: async () => kms.inject('access-denied', { times: Infinity, operation: 'Decrypt' }),
      stop: () => kms.close(),
      cleanUp: async () => {
        await provider.close?.();
        await kms.close();
      },
    };
  },
  runner,
);

keyProviderContract(
  'fromLocal',
  async (key) => {
    const directory = mkdtempSync(join(tmpdir(), 'goldkey-'));
    const masterKeyFile = join(directory, 'master.key');
    await createMasterKey(masterKeyFile);
    const cipher = localCipher({ masterKeyFile, encryptionContext });
    let { ciphertext } = await cipher.encrypt(key);
    return {
      provider: fromLocal({ masterKeyFile, ciphertext: () => ciphertext, encryptionContext }),
      rotate: async (successor) => {
        ({ ciphertext } = await cipher.encrypt(successor));
      },
      deny: async () => chmodSync(masterKeyFile, 0o644),
      cleanUp: async () => rmSync(directory, { recursive: true }),
    };
  },
  runner,
);
