import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import { snippetsIn } from '../examples/guides.js';
import { program, type ProgramOptions } from './user.js';

const README = fileURLToPath(new URL('../../README.md', import.meta.url));

const CLIENT = (kind: 'mjs' | 'cjs'): string =>
  kind === 'mjs'
    ? `import { GoldDataClient } from 'goldkey';
       import { memoryKeyProvider } from 'goldkey/testing';`
    : `const copy = process.cwd() + '/node_modules/goldkey/dist/cjs/';
       const { GoldDataClient } = require(copy + 'index.js');
       const { memoryKeyProvider } = require(copy + 'testing/testing.js');`;
const OPTIONS = `{ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }), fetchPrice: async () => 1 }`;

/** Runs a program that dies of an error of this package, and returns what it leaves on stderr. */
async function dying(source: string, options: ProgramOptions): Promise<string> {
  const ran = await program(source, options);
  expect(ran).toMatchObject({ code: 1, stdout: '' });
  return ran.stderr;
}

describe('an error that nobody catches prints less than 2 KB, and names what failed', () => {
  it('README’s first program with the variable unset', async () => {
    const [first = ''] = snippetsIn(await readFile(README, 'utf8'), 'ts');
    expect(first).toContain('process.env.GOLD_API_KEY_CIPHERTEXT');

    const stderr = await dying(first, {
      folder: inject('withPeers'),
      env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    });

    expect(stderr).toMatch(/ciphertext/);
    expect(stderr.length).toBeLessThan(2_048);
  });

  it.each(['mjs', 'cjs'] as const)('a misspelt option (%s)', async (kind) => {
    const stderr = await dying(`${CLIENT(kind)} new GoldDataClient({ ...${OPTIONS}, tll: 1 });`, { kind });

    expect(stderr).toMatch(/`tll`.*`ttl`/);
    expect(stderr).toMatch(/at new (?:KeyedClient|GoldDataClient) /);
    expect(stderr.length).toBeLessThan(2_048);
  });

  it.each(['mjs', 'cjs'] as const)('a call after close() (%s)', async (kind) => {
    const call = `const gold = new GoldDataClient(${OPTIONS}); gold.close().then(() => gold.getPrice('XAU'));`;
    const stderr = await dying(`${CLIENT(kind)} ${call}`, { kind });

    expect(stderr).toMatch(/ClientClosedError: .*closed/);
    expect(stderr.length).toBeLessThan(2_048);
  });
});
