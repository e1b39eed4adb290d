import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { startFakeKms } from '../../src/testing/fake-kms/server.js';
import { startFakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { lib, type Bundle } from '../bench/typed-lib.js';

const { bundled, packageOf } = await lib('bundle.mjs');

// The benchmark holds it to its budget, and says that it misses that. Here it is kept from growing unnoticed.
const CEILING = 42 * 1_024;
const SDK = ['@aws-sdk/*'];
const KEY = 'sk-invented/+&=0123456789';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'an-invented-secret' };

/** The folders that it is made of, beside the core: a further one is a decision. */
const FOLDERS = ['src/aws', 'src/http', 'src/providers/kms-light', 'src/providers/shared', 'src/util'];

const unique = (names: readonly (string | undefined)[]): (string | undefined)[] => [...new Set(names)].toSorted();

describe('a bundle of goldkey and goldkey/kms-light', () => {
  let bundle: Bundle;

  beforeAll(async () => {
    const source = `export * from 'goldkey'; export * from 'goldkey/kms-light';`;
    bundle = await bundled(source, { resolveDir: inject('plain'), external: SDK });
  });

  it('holds no other package, not even one that is loaded lazily', () => {
    expect(unique(bundle.files.map(packageOf))).toEqual(['goldkey']);
  });

  it('does not grow unnoticed, minified and gzipped', () => {
    expect(bundle.bytes).toBeLessThanOrEqual(CEILING);
  });

  it('loads the AWS SDK only when it needs its credential chain', () => {
    const sdk = bundle.outside.filter(({ path }) => path.startsWith('@aws-sdk/'));

    expect(unique(sdk.map(({ path }) => path))).toEqual(['@aws-sdk/client-kms']);
    expect(unique(sdk.map(({ kind }) => kind))).toEqual(['dynamic-import']);
  });

  it('is made of the core and these folders', async () => {
    const { files } = await bundled(
      `export * from './src/index.js'; export * from './src/providers/kms-light/index.js';`,
      {
        resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
        external: [...SDK, 'p-retry'],
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
      const folder = await mkdtemp(join(tmpdir(), 'goldkey-bundle-'));
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
        external: SDK,
        logLevel: 'error',
      });

      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
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
