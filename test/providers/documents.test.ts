import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { KeyProvider } from '../../src/core/index.js';
import { fromAzureKeyVault } from '../../src/providers/azure-key-vault/index.js';
import { fromEnvironment } from '../../src/providers/env/index.js';
import { fromFile } from '../../src/providers/file/index.js';
import { fromKms } from '../../src/providers/kms/index.js';
import { fromSecretsManager } from '../../src/providers/secrets-manager/index.js';
import { writeToSecretsManager } from '../../src/providers/secrets-manager/write.js';
import { fromSsm } from '../../src/providers/ssm/index.js';
import { fromVault, fromVaultTransit } from '../../src/providers/vault/index.js';
import { startAzureKeyVault, type AzureKeyVault } from '../servers/azure-key-vault.js';
import { failure, request, text } from './loading.js';
import { folderFor } from './secret-files.js';
import { pauseless, vaultLike, type VaultLike } from './vault/vault-like.js';

const [KEY, PASSWORD] = ['sk-invented/+&=0123456789', 'hunter2-of-the-database'];
const DOCUMENT = JSON.stringify({ apiKey: KEY, dbPassword: PASSWORD });

const [kms, secrets, parameters] = [mockClient(KMSClient), mockClient(SecretsManagerClient), mockClient(SSMClient)];
const auth = { method: 'token', token: 'hvs.invented-token-0123456789' } as const;
let vault: VaultLike;
let azure: AzureKeyVault;
beforeAll(async () => {
  vault = await vaultLike();
  azure = await startAzureKeyVault();
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  for (const mock of [kms, secrets, parameters]) mock.restore();
  await vault[Symbol.asyncDispose]();
  await azure[Symbol.asyncDispose]();
});

/** Every store, made to hold a value. */
const STORES: Readonly<Record<string, (value: string) => KeyProvider | Promise<KeyProvider>>> = {
  'Secrets Manager, SecretString'(value) {
    secrets.on(GetSecretValueCommand).resolves({ SecretString: value, VersionId: 'v1' });
    return fromSecretsManager({ secretId: 'gold', region: 'eu-central-1' });
  },
  'Secrets Manager, SecretBinary'(value) {
    secrets.on(GetSecretValueCommand).resolves({ SecretBinary: Buffer.from(value), VersionId: 'v1' });
    return fromSecretsManager({ secretId: 'gold', region: 'eu-central-1' });
  },
  'Secrets Manager, a document in the field'(value) {
    const SecretString = JSON.stringify({ nested: value });
    secrets.on(GetSecretValueCommand).resolves({ SecretString, VersionId: 'v1' });
    return fromSecretsManager({ secretId: 'gold', field: 'nested', region: 'eu-central-1' });
  },
  'Parameter Store'(value) {
    const Parameter = { Type: 'SecureString', Value: value, Version: 1 } as const;
    parameters.on(GetParameterCommand).resolves({ Parameter });
    return fromSsm({ name: 'gold', region: 'eu-central-1' });
  },
  KMS(value) {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(value) });
    return fromKms({ ciphertext: Buffer.alloc(99, 7), encryptionContext: {}, region: 'eu-central-1' });
  },
  'Vault, KV'(value) {
    const metadata = { created_time: '', deletion_time: '', destroyed: false, version: 3 };
    vault.on('secret/data/gold', { status: 200, body: { data: { data: { value }, metadata } } });
    return fromVault({ address: vault.url, auth, path: 'gold' });
  },
  'Vault, transit'(value) {
    vault.on('transit/decrypt/gold', {
      status: 200,
      body: { data: { plaintext: Buffer.from(value).toString('base64') } },
    });
    const ciphertext = `vault:v1:${Buffer.alloc(60).toString('base64')}`;
    return fromVaultTransit({ address: vault.url, auth, keyName: 'gold', ciphertext });
  },
  'Azure Key Vault'(value) {
    azure.remove('gold');
    azure.set('gold', value);
    return fromAzureKeyVault({ vaultUrl: azure.url, secretName: 'gold', credential: azure.credential });
  },
  async 'a file'(value) {
    const path = join(await folderFor(), 'key');
    await writeFile(path, value, { mode: 0o600 });
    return fromFile({ path, watch: false });
  },
  'the environment'(value) {
    vi.stubEnv('GOLD_API_KEY', value);
    return fromEnvironment('GOLD_API_KEY');
  },
};
const DOCUMENTS: Readonly<Record<string, string>> = {
  'a JSON object': DOCUMENT,
  'a JSON object over several lines': JSON.stringify(JSON.parse(DOCUMENT), undefined, 2),
  'a JSON object behind a byte order mark': `\ufeff${DOCUMENT}`,
  'a JSON object with white space around it': `\r\n\t ${DOCUMENT} \n`,
  'an empty JSON object': '{        }',
  'a JSON array': JSON.stringify([KEY, PASSWORD]),
  'a JSON array of objects': `\ufeff ${JSON.stringify([{ apiKey: KEY, dbPassword: PASSWORD }])}\n`,
};

describe.each(Object.entries(STORES))('%s', (_, store) => {
  it.each(Object.entries(DOCUMENTS))(
    'refuses %s in place of a key, and shows none of its values',
    async (name, value) => {
      const keys = await store(value);

      const error = (await failure(keys.load(request(pauseless)))) as Error;

      await keys.close?.();
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', retryable: false });
      expect(error.message).toMatch(
        / is a JSON (?:object|array).* not a key; (?:set `field` to|store the key|encrypt the key)/,
      );
      expect(error.message.includes('`apiKey`, `dbPassword`')).toBe(name.startsWith('a JSON object'));
      expect(inspect(error, { depth: 9 })).not.toMatch(/invented\/|hunter2/);
    },
  );

  it.each([`"${KEY}"`, '1234567890123', '{"apiKey":sk-invented', '[sk-invented]', '{sk-invented}', 'true-or-false'])(
    'takes %s for a key as it is',
    async (value) => {
      const keys = await store(value);

      expect(text(await keys.load(request(pauseless)))).toBe(value);
      await keys.close?.();
    },
  );
});

describe('the fields that a message names', () => {
  const { KMS: store } = STORES;
  const messageFor = async (document: object): Promise<string> =>
    ((await failure((await store!(JSON.stringify(document))).load(request(pauseless)))) as Error).message;

  it('are no names that may be keys, as in a table of keys', async () => {
    const message = await messageFor({ 'sk-live-0123456789abcdef': 'gold', [KEY]: 'silver', kind: 'table' });

    expect(message).toContain('the fields `kind` and 2 more');
  });

  it('are no names that are values too', async () => {
    expect(await messageFor({ hunter: 'x', login: 'hunter' })).toContain('the fields `login` and 1 more');
  });

  it('are ten at most', async () => {
    const fields = Object.fromEntries([...'abcdefghijklmnop'].map((name) => [name, 1]));

    expect(await messageFor(fields)).toMatch(/`j` and 6 more/);
  });

  it('are counted if none can be shown', async () => {
    expect(await messageFor({ [KEY]: 1, '': 2 })).toContain('a JSON object of 2 fields');
  });
});

describe('a JSON document in SecretBinary', () => {
  const binary = (value: string): object => ({ SecretBinary: Buffer.from(value), VersionId: 'v1' });

  it.each([DOCUMENT, `\ufeff ${DOCUMENT}\n`])('gives the key in its `field`', async (value) => {
    secrets.on(GetSecretValueCommand).resolves(binary(value));
    const keys = fromSecretsManager({ secretId: 'gold', field: 'apiKey', region: 'eu-central-1' });

    expect(text(await keys.load(request(pauseless)))).toBe(KEY);
    await keys.close?.();
  });

  it('keeps its other fields when a key is written into one', async () => {
    secrets.reset();
    secrets.on(GetSecretValueCommand).resolves(binary(DOCUMENT));

    await writeToSecretsManager('gold', 'apiKey', 'another-key', { region: 'eu-central-1' });

    const { input } = secrets.calls().at(-1)?.args[0] ?? {};
    expect(JSON.parse((input as { SecretString: string }).SecretString)).toEqual({
      apiKey: 'another-key',
      dbPassword: PASSWORD,
    });
  });
});
