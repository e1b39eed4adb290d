import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromSecretsManager } from '../../src/providers/secrets-manager/index.js';
import { fromSsm } from '../../src/providers/ssm/index.js';
import { keyProviderContract } from '../../src/testing/contract/key-provider-contract.js';
import { fakeSecret, secretsFault } from './secrets-manager/fake-secret.js';

const runner = { describe, it, expect };
const unreachable = (): Error => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
const { mock: secrets, reset } = fakeSecret();
const parameters = mockClient(SSMClient);
afterAll(() => {
  secrets.restore();
  parameters.restore();
});

keyProviderContract(
  'fromSecretsManager',
  async (key) => {
    reset({ 'version-1': { stages: ['AWSCURRENT'], text: key }, 'version-2': { stages: ['AWSPENDING'] } });
    const provider = fromSecretsManager({ secretId: 'gold', region: 'eu-central-1' });
    return {
      provider,
      rotate: async (successor) =>
        reset({
          'version-1': { stages: ['AWSPREVIOUS'], text: key },
          'version-2': { stages: ['AWSCURRENT'], text: successor },
        }),
      deny: async () => void secrets.on(GetSecretValueCommand).rejects(secretsFault('AccessDeniedException')),
      stop: async () => void secrets.on(GetSecretValueCommand).rejects(unreachable()),
      cleanUp: () => provider.close?.() ?? Promise.resolve(),
    };
  },
  runner,
);

keyProviderContract(
  'fromSsm',
  async (key) => {
    const answer = (Value: string, Version: number): void => {
      const LastModifiedDate = new Date(Version * 1_000);
      parameters
        .on(GetParameterCommand)
        .resolves({ Parameter: { Type: 'SecureString', Value, Version, LastModifiedDate } });
    };
    parameters.reset();
    answer(key, 1);
    const provider = fromSsm({ name: '/gold', region: 'eu-central-1' });
    return {
      provider,
      rotate: async (successor) => answer(successor, 2),
      deny: async () =>
        void parameters.on(GetParameterCommand).rejects(Object.assign(new Error(), { name: 'AccessDeniedException' })),
      stop: async () => void parameters.on(GetParameterCommand).rejects(unreachable()),
      cleanUp: () => provider.close?.() ?? Promise.resolve(),
    };
  },
  runner,
);

describe('the packages behind the AWS stores', () => {
  const folder = mkdtempSync(join(tmpdir(), 'goldkey-'));
  const names = ['secrets-manager', 'ssm'];
  let loaded: readonly string[];
  beforeAll(async () => {
    const { metafile } = await build({
      entryPoints: Object.fromEntries(
        names.map((name) => [name, fileURLToPath(new URL(`../../src/providers/${name}/index.ts`, import.meta.url))]),
      ),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      // One file would import the SDK with its first line.
      splitting: true,
      // p-retry is part of the core; all other packages stay outside.
      external: ['@aws-sdk/*', 'lru-cache', 'undici'],
      platform: 'node',
      format: 'esm',
      metafile: true,
    });
    loaded = Object.values(metafile.outputs)
      .filter(({ entryPoint }) => entryPoint?.endsWith('/sdk.ts') !== true)
      .flatMap((output) => output.imports)
      .filter(({ kind, path, external }) => external && kind === 'import-statement' && !path.startsWith('node:'))
      .map(({ path }) => path);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are not loaded by an import', () => {
    expect(loaded).toEqual([]);
  });

  it.each([
    ['secrets-manager', 'fromSecretsManager', `{ secretId: 'gold' }`, '@aws-sdk/client-secrets-manager'],
    ['ssm', 'fromSsm', `{ name: '/gold' }`, '@aws-sdk/client-ssm'],
  ])('goldkey/%s asks for its package by its install line when it is missing', (name, make, options, wanted) => {
    // Far from any node_modules.
    const program = `
      import { ${make} } from './${name}.mjs';
      const keys = ${make}(${options});
      const error = await keys.load({ stage: 'current', signal: new AbortController().signal }).catch((thrown) => thrown);
      console.log(error.code, error.message);
      await keys.close();`;

    const printed = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });

    expect(printed).toMatch(new RegExp(`^ERR_GOLDKEY_MISSING_PACKAGE .*: npm install ${wanted}\n$`));
  });
});
