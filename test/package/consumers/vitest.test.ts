import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { node } from '../user.js';
import { installTools, makeProject } from './tools.js';

const KMS = `fromKms({ ciphertext: Buffer.alloc(200, 7), encryptionContext: {}, region: 'eu-central-1' })`;

const MOCKED_CLIENT = `
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { KeyedClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { expect, it } from 'vitest';

it('aws-sdk-client-mock reaches fromKms', async () => {
  const kms = mockClient(KMSClient);
  kms.on(DecryptCommand).resolves({ Plaintext: new TextEncoder().encode('a-key-from-a-mock') });
  const client = new KeyedClient({ keyProvider: ${KMS} });
  expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe('a-key-from-a-mock');
  await client.close();
  expect(kms.calls()).toHaveLength(1);
});`;

const MOCKED_MODULE = `
import { KeyedClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { fromSsm } from 'goldkey/ssm';
import { expect, it, vi } from 'vitest';

vi.mock('@aws-sdk/client-kms', () => {
  const send = async () => ({ Plaintext: new TextEncoder().encode('a-key-from-a-module') });
  return { KMSClient: class { send = send }, DecryptCommand: class {} };
});
vi.mock('@aws-sdk/client-ssm', () => {
  const send = async () => ({ Parameter: { Type: 'SecureString', Value: 'a-key-from-a-module', Version: 1 } });
  return { SSMClient: class { send = send }, GetParameterCommand: class {} };
});

it.each([['fromKms', ${KMS}], ['fromSsm', fromSsm({ name: 'gold' })]])('vi.mock of the SDK reaches %s', async (_, keyProvider) => {
  const client = new KeyedClient({ keyProvider });
  expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe('a-key-from-a-module');
  await client.close();
});`;

let tools: string;
const projects: string[] = [];
beforeAll(async () => {
  tools = await installTools('vitest');
}, 600_000);
afterAll(async () => {
  for (const project of projects) await rm(project, { recursive: true });
});

describe('Vitest', { timeout: 120_000 }, () => {
  it.each([
    ['leaves packages to Node.js', 'the mock of a client', '{}', { 'client.test.js': MOCKED_CLIENT }, 1],
    [
      'runs goldkey itself (`server.deps.inline`)',
      'a mocked module and the mock of a client',
      `{ server: { deps: { inline: ['goldkey'] } } }`,
      { 'client.test.js': MOCKED_CLIENT, 'module.test.js': MOCKED_MODULE },
      3,
    ],
  ])('that %s: %s reaches the SDK', async (_, __, test, files, total) => {
    const project = await makeProject(tools, {
      'package.json': '{ "private": true, "type": "module" }',
      'vitest.config.js': `export default { test: ${test} };`,
      ...files,
    });
    projects.push(project);

    const vitest = join(tools, 'node_modules', 'vitest', 'vitest.mjs');
    const ran = await node([vitest, 'run', '--reporter=json', '--outputFile=report.json'], project, {
      HOME: project,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    });

    const report = JSON.parse(await readFile(join(project, 'report.json'), 'utf8')) as Record<string, unknown>;
    const { numPassedTests, numTotalTests } = report;
    expect({ code: ran.code, numPassedTests, numTotalTests }, JSON.stringify(report)).toEqual({
      code: 0,
      numPassedTests: total,
      numTotalTests: total,
    });
  });
});
