import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { startFakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { run } from '../servers/process.js';
import { lib, type Bundle } from '../bench/typed-lib.js';

const { bundled, packageOf } = await lib('bundle.mjs');

// The benchmark holds it to its budget, and says that it misses that. Here it is kept from growing unnoticed.
const CEILING = 43.25 * 1_024;
const KEY = 'sk-invented/+&=0123456789';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'an-invented-secret' };

/** The folders that it is made of, beside the core: a further one is a decision. */
const FOLDERS = ['src/aws', 'src/http', 'src/providers/kms-light', 'src/providers/shared', 'src/util'];

const unique = (names: readonly (string | undefined)[]): (string | undefined)[] => [...new Set(names)].toSorted();

describe('a bundle of goldkey and goldkey/kms-light', () => {
  let bundle: Bundle;

  beforeAll(async () => {
    const source = `export * from 'goldkey'; export * from 'goldkey/kms-light';`;
    bundle = await bundled(source, { resolveDir: inject('plain') });
  });

  it('holds no other package, not even one that is loaded lazily', () => {
    expect(unique(bundle.files.map(packageOf))).toEqual(['goldkey']);
  });

  it('does not grow unnoticed, minified and gzipped', () => {
    expect(bundle.bytes).toBeLessThanOrEqual(CEILING);
  });

  it('names no package outside: its fallback, the AWS SDK, is looked for at run time', () => {
    expect(bundle.outside.filter(({ path }) => !path.startsWith('node:'))).toEqual([]);
  });

  it('holds the core as it is: no file is wrapped for being imported lazily as well', async () => {
    const source = `export * from 'goldkey'; export * from 'goldkey/kms'; export * from 'goldkey/kms-light';`;
    const stdin = { contents: source, resolveDir: inject('withPeers') };
    const { outputFiles } = await build({ stdin, bundle: true, platform: 'node', format: 'esm', write: false });

    const found = outputFiles[0]?.text.matchAll(/__esm\(\{\s*"[^"]*\/goldkey\/dist\/esm\/([^"]*)"/g) ?? [];
    const wrapped = [...found].map(([, file]) => file?.replace(/-[A-Z\d]{8}/, ''));
    expect(wrapped).toContain('shared/sdk.js');
    expect(wrapped).not.toContain('shared/chunk.js');
  });

  it('is made of the core and these folders', async () => {
    const { files } = await bundled(
      `export * from './src/index.js'; export * from './src/providers/kms-light/index.js';`,
      {
        resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
        external: ['p-retry'],
      },
    );

    const outside = files.filter((file) => !file.startsWith('src/core/'));
    const folderOf = (file: string) => FOLDERS.find((folder) => file.startsWith(`${folder}/`)) ?? file;
    expect(unique(outside.map(folderOf))).toEqual(FOLDERS);
    expect(files).not.toContain('src/pool/keyed-client-pool.ts');
  });

  it.each(['esm', 'cjs'] as const)(
    'gets to a first price far from any package, and on under load (%s)',
    async (format) => {
      const folder = makeTempFolder('goldkey-bundle-');
      await using kms = await startFakeKms({ credentials: CREDENTIALS });
      await using api = await startFakePriceApi({ keys: [KEY] });
      const file = join(folder, format === 'esm' ? 'program.mjs' : 'program.cjs');
      const source = `
      import { GoldDataClient } from 'goldkey';
      import { fromKmsLight } from 'goldkey/kms-light';
      import { metalsApi } from 'goldkey/prices';
      const gold = new GoldDataClient({
        keyProvider: fromKmsLight({ ciphertext: process.env.CIPHERTEXT, encryptionContext: {} }),
        ...metalsApi({ baseUrl: process.env.API }),
      });
      gold.getPrice('XAU')
        .then(() => Promise.all(Array.from({ length: 60 }, () => gold.getPrice('XAU'))))
        .then((quotes) => console.log(quotes.length, quotes[59].price));`;
      await build({
        stdin: { contents: source, resolveDir: inject('plain') },
        outfile: file,
        bundle: true,
        platform: 'node',
        format,
        logLevel: 'error',
      });

      const { stdout, stderr } = await run(process.execPath, [file], {
        cwd: folder,
        env: {
          CIPHERTEXT: kms.encrypt(KEY, {}),
          API: api.url,
          AWS_ENDPOINT_URL_KMS: kms.url,
          AWS_REGION: kms.region,
          AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
          AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        },
      });

      await rm(folder, { recursive: true });
      expect({ stdout, stderr }).toEqual({ stdout: '60 2199.5135616442817\n', stderr: '' });
    },
  );
});
