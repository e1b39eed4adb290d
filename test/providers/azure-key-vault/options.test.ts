import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromAzureKeyVault } from '../../../src/providers/azure-key-vault/index.js';

const good = { vaultUrl: 'https://gold.vault.azure.net', secretName: 'metals-api-key' };
const credential = { getToken: () => Promise.resolve(null) };
const client = { getSecret: () => undefined, listPropertiesOfSecretVersions: () => undefined };

describe('the options of fromAzureKeyVault', () => {
  it.each([
    good,
    { ...good, vaultUrl: 'https://gold.vault.azure.net/' },
    { ...good, vaultUrl: 'http://127.0.0.1:8443', credential },
    { ...good, client },
    { ...good, client: { ...client, vaultUrl: 'https://gold.vault.azure.net/' } },
    { ...good, credential: undefined, client: undefined },
  ])('%j is good', (options) => {
    expect(fromAzureKeyVault(options).name).toBe('azure-key-vault');
  });

  it.each([
    ['no object', undefined, /options object/],
    ['an unknown name', { ...good, secret: 'a' }, /did you mean `secretName`/],
    ['no vault', { secretName: 'a' }, /`vaultUrl` must be a non-empty string/],
    ['no name', { vaultUrl: good.vaultUrl }, /`secretName` must be a non-empty string/],
    ['a relative vault', { ...good, vaultUrl: 'gold' }, /`vaultUrl` must be an absolute URL/],
    ['plain http', { ...good, vaultUrl: 'http://gold.vault.azure.net' }, /`vaultUrl` must be an https URL/],
    ['the URL of a secret', { ...good, vaultUrl: 'https://gold.vault.azure.net/secrets/a' }, /goes into `secretName`/],
    ['a password in the URL', { ...good, vaultUrl: 'https://a:b@gold.vault.azure.net' }, /the vault only/],
    ['a name with a version', { ...good, secretName: 'a/b' }, /`secretName` must be 1 to 127/],
    ['a credential without getToken', { ...good, credential: {} }, /`credential` must be a TokenCredential/],
    [
      'a credential that is none',
      { ...good, credential: 'a' },
      /`credential` must be a TokenCredential.*a value of type/,
    ],
    ['a client that is none', { ...good, client: {} }, /`client` must be a SecretClient/],
    ['both', { ...good, credential, client }, /either `client` or `credential`/],
    [
      'a client of another vault',
      { ...good, client: { ...client, vaultUrl: 'https://b.example' } },
      /must be the vault of/,
    ],
  ])('%s is refused at once', (_, options, says) => {
    let error: unknown;
    try {
      fromAzureKeyVault(options as never);
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(says) as string });
  });

  it('a key put into the wrong option is not shown', () => {
    const key = 'sk-invented/+&=0123456789';
    for (const name of ['vaultUrl', 'secretName', 'credential', 'client']) {
      expect(() => fromAzureKeyVault({ ...good, [name]: key } as never)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(key) as string }) as Error,
      );
    }
  });
});

describe('the packages of the Azure SDK', () => {
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'goldkey-'));
    await build({
      entryPoints: [fileURLToPath(new URL('../../../src/providers/azure-key-vault/index.ts', import.meta.url))],
      outfile: join(directory, 'alone.mjs'),
      bundle: true,
      // p-retry is part of the core; all other packages stay outside.
      external: ['@azure/*', 'lru-cache', 'undici'],
      platform: 'node',
      format: 'esm',
    });
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Runs a load far from any node_modules. */
  const run = (more: string): string =>
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { fromAzureKeyVault } from './alone.mjs';
         const keys = fromAzureKeyVault({ vaultUrl: 'https://gold.vault.azure.net', secretName: 'a', ${more} });
         await keys.load({ stage: 'current', signal: new AbortController().signal })
           .catch((error) => console.log(error.code, error.message));`,
      ],
      { cwd: directory, encoding: 'utf8', env: { PATH: process.env['PATH'] } },
    );

  it('are asked for by their install lines when they are missing', () => {
    const credentialGiven = run('credential: { getToken() {} }');

    expect(credentialGiven).toMatch(/^ERR_GOLDKEY_MISSING_PACKAGE .*npm install @azure\/keyvault-secrets\n$/);
    expect(run('')).toMatch(/^ERR_GOLDKEY_MISSING_PACKAGE .*npm install @azure\/(keyvault-secrets|identity)/);
  });

  it('are not needed for a client of the caller’s', () => {
    const theirs = `client: { getSecret() {}, async *listPropertiesOfSecretVersions() {} }`;

    expect(run(theirs)).toMatch(/^ERR_GOLDKEY_NOT_FOUND .*none at all/);
  });
});
