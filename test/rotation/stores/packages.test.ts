import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'goldkey-'));
const entryPoints = Object.fromEntries(
  ['dynamodb', 'redis'].map((name) => [
    name,
    fileURLToPath(new URL(`../../../src/rotation/stores/${name}/index.ts`, import.meta.url)),
  ]),
);
const made: Record<string, string> = {
  dynamodb: `dynamoDbRing({ tableName: 'a', name: 'b', clientConfig: { region: 'eu-central-1' } })`,
  redis: `redisRing({ key: 'a' })`,
};

afterAll(() => rmSync(folder, { recursive: true }));

describe('the packages behind the ring stores', () => {
  let loaded: readonly string[];
  beforeAll(async () => {
    const { metafile } = await build({
      entryPoints,
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      // One file would import the SDK with its first line.
      splitting: true,
      // p-retry is part of the core; all other packages stay outside.
      external: ['@aws-sdk/*', 'lru-cache', 'redis', 'undici'],
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

  it('are not loaded by an import', () => {
    expect(loaded).toEqual([]);
  });

  it.each([
    ['dynamodb', '@aws-sdk/client-dynamodb'],
    ['redis', 'redis'],
  ])('goldkey/rotation/%s asks for its package by its install line when it is missing', (name, wanted) => {
    // Far from any node_modules.
    const program = `
      import { ${(made[name] ?? '').split('(')[0] ?? ''} } from './${name}.mjs';
      const store = ${made[name] ?? ''};
      const error = await store.read().catch((thrown) => thrown);
      console.log(error.code, error.message);
      if (store.subscribe) await store.subscribe(() => {}).catch((thrown) => console.log(thrown.code));
      await store.close();`;

    const printed = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });

    expect(printed).toMatch(new RegExp(`^ERR_GOLDKEY_MISSING_PACKAGE .*: npm install ${wanted}\n`));
    if (name === 'redis') expect(printed).toMatch(/\nERR_GOLDKEY_MISSING_PACKAGE\n$/);
  });
});
