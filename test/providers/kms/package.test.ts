import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const source = (name: string): string => fileURLToPath(new URL(`../../../src/${name}`, import.meta.url));

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'goldkey-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a program far from any node_modules. */
function run(program: string): string {
  return execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
    cwd: directory,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
}

const load = (file: string): string => `
  import kms from './${file}';
  const keys = kms.fromKms({ ciphertext: Buffer.alloc(99, 7), encryptionContext: {}, region: 'eu-central-1',
    clientConfig: { endpoint: 'http://127.0.0.1:9', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1 } });
  await keys.load({ stage: 'current', signal: new AbortController().signal })
    .catch((error) => console.log(error.code, error.message));`;

describe('the package of the AWS SDK', () => {
  it('is asked for by its install line when it is missing', async () => {
    await build({
      entryPoints: { alone: source('providers/kms/index.ts') },
      outdir: directory,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      // One file would import the SDK with its first line.
      splitting: true,
      // p-retry is part of the core; all other packages stay outside.
      external: ['@aws-sdk/*', 'lru-cache', 'undici'],
      platform: 'node',
      format: 'esm',
    });

    const output = run(load('alone.mjs').replace('import kms', 'import * as kms'));

    expect(output).toMatch(/^ERR_GOLDKEY_MISSING_PACKAGE .*npm install @aws-sdk\/client-kms/);
  });

  it('is found in a bundled application', async () => {
    await build({
      entryPoints: [source('providers/kms/index.ts')],
      outfile: join(directory, 'bundled.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });

    expect(run(load('bundled.cjs'))).toMatch(/^ERR_GOLDKEY_PROVIDER .*could not be reached/);
  });

  it('is not loaded, nor is anything else, by an import', async () => {
    const { metafile } = await build({
      entryPoints: [source('providers/kms/index.ts'), source('providers/local/index.ts')],
      outdir: directory,
      bundle: true,
      // p-retry is part of the core; all other packages stay outside.
      external: ['@aws-sdk/*', 'lru-cache', 'undici'],
      platform: 'node',
      format: 'esm',
      splitting: true,
      metafile: true,
      write: false,
    });

    const before = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint?.endsWith('/sdk.ts') !== true);
    const imports = before.flatMap((output) => output.imports);
    const packages = imports.filter(
      ({ kind, path, external }) => external && kind === 'import-statement' && !path.startsWith('node:'),
    );
    expect(packages).toEqual([]);
    expect(imports.map(({ path }) => path)).not.toContain('node:https');
  });

  it('is asked for by kms-light only where nothing else knows who signs', async () => {
    await build({
      entryPoints: [source('providers/kms-light/index.ts')],
      outfile: join(directory, 'light.cjs'),
      bundle: true,
      external: ['@aws-sdk/*'],
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
    const program = (options: string): string => `
      import light from './light.cjs';
      const keys = light.fromKmsLight({ ciphertext: Buffer.alloc(99, 7), encryptionContext: {}, ${options} });
      await keys.load({ stage: 'current', signal: new AbortController().signal })
        .catch((error) => console.log(error.code, error.message));`;
    const endpoint = "endpoint: 'http://127.0.0.1:9'";

    expect(run(program(`region: 'eu-central-1', ${endpoint}`))).toMatch(
      /^ERR_GOLDKEY_MISSING_PACKAGE .*no AWS credentials.*npm install @aws-sdk\/client-kms/,
    );
    expect(run(program(endpoint))).toMatch(/^ERR_GOLDKEY_MISSING_PACKAGE .*no AWS_REGION.*npm install/);
    const credentials = "credentials: { accessKeyId: 'a', secretAccessKey: 'b' }";
    expect(run(program(`region: 'eu-central-1', ${endpoint}, ${credentials}`))).toMatch(
      /^ERR_GOLDKEY_PROVIDER .*could not be reached/,
    );
  });
});
