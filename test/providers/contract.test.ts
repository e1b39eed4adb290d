import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromKms } from '../../src/providers/kms/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import type { KeyProvider } from '../../src/core/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../src/providers/local/index.js';
import { keyProviderContract } from '../../src/testing/contract/key-provider-contract.js';
import { startFakeKms } from '../../src/testing/fake-kms/server.js';

const runner = { describe, it, expect };
const encryptionContext = { service: 'gold-data-stream' };

const credentials = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented' };
const ways = {
  fromKms: (url: string, options: Parameters<typeof fromKms>[0]): KeyProvider =>
    fromKms({ ...options, clientConfig: { endpoint: url, credentials } }),
  fromKmsLight: (url: string, options: Parameters<typeof fromKmsLight>[0]): KeyProvider =>
    fromKmsLight({ ...options, endpoint: url, credentials }),
};

for (const [name, from] of Object.entries(ways)) {
  keyProviderContract(
    name,
    async (key) => {
      const kms = await startFakeKms({ credentials });
      let ciphertext = kms.encrypt(key, encryptionContext);
      const { keyArn: keyId, region } = kms;
      const provider = from(kms.url, { ciphertext: () => ciphertext, encryptionContext, keyId, region });
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
}

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
