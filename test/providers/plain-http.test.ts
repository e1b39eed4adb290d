import { describe, expect, it } from 'vitest';
import { redisReplayStore } from '../../src/hmac/redis/index.js';
import { metalsApi } from '../../src/prices/index.js';
import { fromAzureKeyVault } from '../../src/providers/azure-key-vault/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { fromKms } from '../../src/providers/kms/index.js';
import { fromSecretsManager } from '../../src/providers/secrets-manager/index.js';
import { fromSsm } from '../../src/providers/ssm/index.js';
import { fromVault, fromVaultTransit } from '../../src/providers/vault/index.js';
import { dynamoDbRing } from '../../src/rotation/stores/dynamodb/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { vaultRing } from '../../src/rotation/stores/vault/index.js';

const stored = { ciphertext: undefined, encryptionContext: {} };
const constructors: Readonly<Record<string, (address: string) => unknown>> = {
  fromKms: (endpoint) => fromKms({ ...stored, clientConfig: { endpoint } }),
  fromKmsLight: (endpoint) => fromKmsLight({ ...stored, endpoint }),
  fromSecretsManager: (endpoint) => fromSecretsManager({ secretId: 'gold', clientConfig: { endpoint } }),
  fromSsm: (endpoint) => fromSsm({ name: '/gold', clientConfig: { endpoint } }),
  fromVault: (address) => fromVault({ address, path: 'gold' }),
  fromVaultTransit: (address) => fromVaultTransit({ address, keyName: 'gold', ciphertext: undefined }),
  fromAzureKeyVault: (vaultUrl) => fromAzureKeyVault({ vaultUrl, secretName: 'gold' }),
  metalsApi: (baseUrl) => metalsApi({ baseUrl }),
  dynamoDbRing: (endpoint) => dynamoDbRing({ tableName: 'rings', name: 'gold', clientConfig: { endpoint } }),
  redisRing: (address) => redisRing({ key: 'gold', url: address.replace('http', 'redis') }),
  redisReplayStore: (address) => redisReplayStore({ key: 'gold', url: address.replace('http', 'redis') }),
  vaultRing: (address) => vaultRing({ address, path: 'rings/gold' }),
};

describe.each(Object.entries(constructors))('%s without TLS', (_, create) => {
  it.each(['http://api.localhost', 'http://localhost.', 'http://store.localhost.:8200', 'http://127.0.0.1.nip.io'])(
    'refuses %s, a name that DNS resolves',
    (address) => {
      expect(() => create(address)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }) as Error);
    },
  );

  it.each(['http://localhost:8200', 'http://127.0.0.53', 'http://[::1]:8200'])('takes %s', (address) => {
    expect(() => create(address)).not.toThrow();
  });
});
