import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { node, type Ran } from '../user.js';
import { installTools, makeProject } from './tools.js';

const SUBPATHS = Object.keys(manifest.exports)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => name.replace('.', 'goldkey'));

const LOADS = SUBPATHS.map(
  (name, index) => `import * as subpath${String(index)} from '${name}';
it('${name}', () => expect(Object.keys(subpath${String(index)}).length).toBeGreaterThan(0));`,
).join('\n');

const REPAIR = `
import { GoldDataClient, isGoldKeyError } from 'goldkey';
import { metalsApi } from 'goldkey/prices';
import { memoryKeyProvider, startFakeKms, startFakePriceApi } from 'goldkey/testing';
import { fromKmsLight } from 'goldkey/kms-light';

it('repairs a refused call once', async () => {
  const api = await startFakePriceApi({ keys: ['first-key-0001'] });
  const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });
  const gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: api.url }) });
  await gold.getPrice('XAU');
  keyProvider.set('current', 'second-key-0002');
  api.accept('second-key-0002');
  api.revoke('first-key-0001');
  expect((await gold.getPrice('XAU')).metal).toBe('XAU');
  expect(keyProvider.loads).toBe(2);
  expect(api.calls.map(({ status }) => status)).toEqual([200, 401, 200]);
  await gold.close();
  const error = await gold.getPrice('XAU').catch((thrown: unknown) => thrown);
  expect(isGoldKeyError(error, 'ERR_GOLDKEY_CLOSED')).toBe(true);
  await api.close();
});

it('decrypts with a request that it signs itself', async () => {
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'invented' };
  const kms = await startFakeKms({ credentials });
  const keyProvider = fromKmsLight({
    ciphertext: kms.encrypt('a-key-from-fake-kms', {}), encryptionContext: {},
    endpoint: kms.url, region: kms.region, credentials: async () => credentials,
  });
  const gold = new GoldDataClient({ keyProvider, fetchPrice: async (symbol: string, { apiKey }) => symbol + apiKey.length });
  expect(await gold.getPrice('XAU')).toBe('XAU19');
  await kms.close();
});

it('retries a transient failure', async () => {
  const answers = [503, 200];
  const gold = new GoldDataClient({
    keyProvider: memoryKeyProvider({ current: 'first-key-0001' }),
    retry: { minTimeout: 1 },
    fetchPrice: async () => {
      const status = answers.shift();
      if (status !== 200) throw Object.assign(new Error('down'), { status });
      return status;
    },
  });
  expect(await gold.getPrice('XAU')).toBe(200);
});`;

const STORES = `{
  'goldkey/kms': fromKms({ ciphertext: Buffer.alloc(200, 7).toString('base64'), encryptionContext: {}, region: 'eu-central-1' }),
  'goldkey/secrets-manager': fromSecretsManager({ secretId: 'gold', region: 'eu-central-1' }),
  'goldkey/ssm': fromSsm({ name: 'gold', region: 'eu-central-1' }),
}`;

const MOCKED_CLIENT = `
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { KeyedClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { fromSecretsManager } from 'goldkey/secrets-manager';
import { fromSsm } from 'goldkey/ssm';

it('aws-sdk-client-mock reaches every store of AWS', async () => {
  const kms = mockClient(KMSClient);
  kms.on(DecryptCommand).resolves({ Plaintext: new TextEncoder().encode('a-key-from-a-mock') });
  const secrets = mockClient(SecretsManagerClient);
  secrets.on(GetSecretValueCommand).resolves({ SecretString: 'a-key-from-a-mock', VersionId: 'v1' });
  const ssm = mockClient(SSMClient);
  ssm.on(GetParameterCommand).resolves({ Parameter: { Type: 'SecureString', Value: 'a-key-from-a-mock', Version: 1 } });
  for (const keyProvider of Object.values(${STORES})) {
    const client = new KeyedClient({ keyProvider });
    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe('a-key-from-a-mock');
    await client.close();
  }
  expect([kms.calls().length, secrets.calls().length, ssm.calls().length]).toEqual([1, 1, 1]);
});`;

const MOCKED_MODULE = `
import * as sdk from '@aws-sdk/client-kms';
import { SSMClient } from '@aws-sdk/client-ssm';
import { KeyedClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { fromSsm } from 'goldkey/ssm';

jest.mock('@aws-sdk/client-kms', () => {
  const send = jest.fn(async () => ({ Plaintext: new TextEncoder().encode('a-key-from-a-module') }));
  class Command {}
  class KMSClient { send = send; }
  return { __esModule: true, KMSClient, DecryptCommand: Command, send };
});
jest.mock('@aws-sdk/client-ssm');

it('jest.mock of the SDK reaches fromKms', async () => {
  const client = new KeyedClient({
    keyProvider: fromKms({ ciphertext: Buffer.alloc(200, 7).toString('base64'), encryptionContext: {}, region: 'eu-central-1' }),
  });
  expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe('a-key-from-a-module');
  await client.close();
  expect((sdk as unknown as { send: unknown }).send).toHaveBeenCalledTimes(1);
});

it('the mocks that Jest makes by itself reach fromSsm', async () => {
  const answer = { Parameter: { Type: 'SecureString', Value: 'a-key-from-an-automock', Version: 1 } };
  jest.spyOn(SSMClient.prototype, 'send').mockImplementation(async () => answer);
  const client = new KeyedClient({ keyProvider: fromSsm({ name: 'gold', region: 'eu-central-1' }) });
  expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe('a-key-from-an-automock');
  await client.close();
});`;

/** Jest runs ES modules as they are, and has a way of its own to mock them. */
const MOCKED_ES_MODULE = `
import { jest } from '@jest/globals';

const send = jest.fn(async () => ({ Plaintext: new TextEncoder().encode('a-key-from-a-module') }));
jest.unstable_mockModule('@aws-sdk/client-kms', () => ({ KMSClient: class { send = send; }, DecryptCommand: class {} }));
jest.mock('@aws-sdk/client-ssm', () => ({
  SSMClient: class { send = async () => ({ Parameter: { Type: 'SecureString', Value: 'a-key-from-a-mock', Version: 1 } }) },
  GetParameterCommand: class {},
}));

it.each([['kms', 'a-key-from-a-module'], ['ssm', 'a-key-from-a-mock']])('a mocked module reaches goldkey/%s', async (name, key) => {
  const { KeyedClient } = await import('goldkey');
  const { fromKms } = await import('goldkey/kms');
  const { fromSecretsManager } = await import('goldkey/secrets-manager');
  const { fromSsm } = await import('goldkey/ssm');
  const client = new KeyedClient({ keyProvider: ${STORES}['goldkey/' + name] });
  expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(key);
  await client.close();
});

it('the SDK of one is the one that was mocked', () => expect(send).toHaveBeenCalledTimes(1));`;

/** Test files of a user's, written in TypeScript without a word that JavaScript lacks once the types are out. */
const TESTS = { loads: LOADS, repair: REPAIR, 'mocked-client': MOCKED_CLIENT, 'mocked-module': MOCKED_MODULE };
const COUNT = SUBPATHS.length + 6;

const asJavaScript = (text: string): string =>
  text.replaceAll(/: (?:unknown|string)\b/g, '').replaceAll(/\((\w+) as [^.]*?\)\./g, '$1.');

const PROJECTS = {
  // Jest's own defaults: babel-jest, ES module syntax turned into \`require\`.
  'babel-jest': {
    extension: 'js',
    files: {
      'babel.config.js': `module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] };`,
    },
  },
  'ts-jest': {
    extension: 'ts',
    files: {
      'jest.config.js': `module.exports = { preset: 'ts-jest' };`,
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          target: 'es2022',
          module: 'commonjs',
          moduleResolution: 'node10',
          strict: true,
          types: ['node', 'jest'],
        },
      }),
    },
  },
} as const;

let tools: string;
const projects: string[] = [];
beforeAll(async () => {
  tools = await installTools('jest');
}, 600_000);
afterAll(async () => {
  for (const project of projects) await rm(project, { recursive: true });
});

describe('Jest in its default mode', { timeout: 300_000 }, () => {
  it.each(Object.entries(PROJECTS))(
    'with %s: every subpath, a repair, and mocks that reach the SDK',
    async (_, { extension, files }) => {
      const tests = Object.entries(TESTS).map(
        ([name, text]) => [`${name}.test.${extension}`, extension === 'js' ? asJavaScript(text) : text] as const,
      );
      const project = await makeProject(tools, { ...files, ...Object.fromEntries(tests) });
      projects.push(project);

      const { stderr } = await expectPasses(project, COUNT);
      expect(stderr).not.toMatch(/warning/i);
    },
  );
});

describe('Jest with ES modules', { timeout: 300_000 }, () => {
  it('runs every subpath, a repair, and mocks that reach the SDK', async () => {
    const tests = { loads: LOADS, repair: REPAIR, 'mocked-client': MOCKED_CLIENT, 'mocked-module': MOCKED_ES_MODULE };
    const files = Object.entries(tests).map(([name, text]) => [`${name}.test.js`, asJavaScript(text)] as const);
    const project = await makeProject(tools, {
      'package.json': '{ "private": true, "type": "module" }',
      'jest.config.js': 'export default { transform: {} };',
      ...Object.fromEntries(files),
    });
    projects.push(project);

    await expectPasses(project, SUBPATHS.length + 7, ['--experimental-vm-modules']);
  });
});

/** Runs a project's tests, all of which have to pass. */
async function expectPasses(project: string, total: number, flags: readonly string[] = []): Promise<Ran> {
  const jest = join(tools, 'node_modules', 'jest', 'bin', 'jest.js');
  const ran = await node([...flags, jest, '--ci', '--runInBand', '--json', '--outputFile=report.json'], project, {
    HOME: project,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'invented',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  });
  const report = JSON.parse(await readFile(join(project, 'report.json'), 'utf8')) as Record<string, unknown>;
  const { numPassedTests, numTotalTests } = report;
  expect({ code: ran.code, numPassedTests, numTotalTests }, ran.stderr).toEqual({
    code: 0,
    numPassedTests: total,
    numTotalTests: total,
  });
  return ran;
}
