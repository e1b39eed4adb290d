import { describe, expect, inject, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { printed, program } from './user.js';

const subpaths = Object.keys(manifest.exports).map((subpath) => subpath.replace('.', 'goldkey'));
const modules = subpaths.filter((name) => !name.endsWith('.json'));

const PRIVATE = [
  'goldkey/dist',
  'goldkey/dist/index.js',
  'goldkey/dist/core',
  'goldkey/core',
  'goldkey/core/index.js',
  'goldkey/src/index.ts',
  'goldkey/cli',
  'goldkey/index',
  'goldkey/pool.js',
  'goldkey/README.md',
];

describe('the published subpaths', () => {
  it.each(modules)('%s gives the same names to `import` and to `require`, without a warning', async (name) => {
    const print = `console.log(Object.keys(found).filter((key) => key !== '__esModule').sort().join());`;

    // It is for those who have OpenTelemetry's API: a missing one is Node.js's to tell.
    const folder = inject(name === 'goldkey/opentelemetry' ? 'withPeers' : 'plain');
    const imported = await program(`const found = await import('${name}'); ${print}`, { folder });
    const required = await program(`const found = require('${name}'); ${print}`, { folder, kind: 'cjs' });

    expect(imported).toMatchObject({ code: 0, stderr: '' });
    expect(imported.stdout).toMatch(/\w/);
    expect(required).toEqual(imported);
  });

  it('goldkey/package.json can be read', async () => {
    const ran = await program(`console.log(require('goldkey/package.json').version)`, { kind: 'cjs' });

    expect(ran).toEqual(printed(manifest.version));
  });

  it('every other path is refused: it is nobody’s business', async () => {
    const print = `console.log(refused.join());`;

    const imported = await program(`
      const refused = [];
      for (const path of ${JSON.stringify(PRIVATE)}) await import(path).catch(({ code }) => refused.push(code));
      ${print}`);
    const required = await program(
      `const refused = [];
      for (const path of ${JSON.stringify(PRIVATE)}) try { require(path); } catch ({ code }) { refused.push(code); }
      ${print}`,
      { kind: 'cjs' },
    );

    const all = printed(PRIVATE.map(() => 'ERR_PACKAGE_PATH_NOT_EXPORTED').join());
    expect(imported).toEqual(all);
    expect(required).toEqual(all);
  });

  it('a class exists once, whichever subpath and loader it came by', async () => {
    const ran = await program(`
      import { createRequire } from 'node:module';
      import { GoldDataClient, GoldKeyError, isGoldKeyError, KeyedClient } from 'goldkey';
      import { KeyedClientPool } from 'goldkey/pool';
      import { PriceApiError } from 'goldkey/prices';
      import { memoryKeyProvider } from 'goldkey/testing';
      const require = createRequire(import.meta.url);
      const pool = new KeyedClientPool({ max: 8, create: () => ({ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }) }) });
      const client = pool.get('tenant');
      console.log(
        client instanceof KeyedClient,
        require('goldkey').KeyedClient === KeyedClient,
        require('goldkey/pool').KeyedClientPool === KeyedClientPool,
        Object.getPrototypeOf(GoldDataClient) === KeyedClient,
        Object.getPrototypeOf(PriceApiError) === GoldKeyError,
        isGoldKeyError(new PriceApiError('down', { kind: 'transient' }), 'ERR_GOLDKEY_PRICE_API'),
      );`);

    expect(ran).toEqual(printed('true true true true true true'));
  });
});
