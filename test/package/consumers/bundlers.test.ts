import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { makeTempFolder } from '../../programs/at-exit.mjs';
import { installBundlers } from '../../servers/bundlers.js';
import { execute, printed } from '../user.js';
import { makeProject } from './tools.js';

const KEY = 'sk-invented/+&=0123456789';

/** A handler over both of AWS's stores; the SDK is bundled with it. */
const HANDLER = `
import { GoldDataClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { fromKmsLight } from 'goldkey/kms-light';
import { metalsApi } from 'goldkey/prices';

const { CIPHERTEXT: ciphertext, KMS: endpoint, AWS_REGION: region, API: baseUrl } = process.env;
const stored = { ciphertext, encryptionContext: { a: 'b' }, region };
async function main() {
  const stores = [fromKmsLight({ ...stored, endpoint }), fromKms({ ...stored, clientConfig: { endpoint } })];
  for (const keyProvider of stores) {
    const gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl }) });
    await gold.getPrice('XAU');
    const quotes = await Promise.all(Array.from({ length: 60 }, () => gold.getPrice('XAU')));
    console.log(quotes.length, quotes.at(-1).metal);
    await gold.close();
  }
}
void main();
`;

/** Programs that bundle \`handler.mjs\` into \`out\`, as their documentation tells a user to. */
const BUNDLERS = {
  'webpack, CommonJS': `
    import webpack from 'webpack';
    const compiler = webpack({
      mode: 'production', target: 'node20', entry: './handler.mjs', output: { path: process.cwd() + '/out', filename: 'main.cjs' },
    });
    compiler.run((error, stats) => compiler.close(() => {
      if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
    }));`,
  'webpack, ES module': `
    import webpack from 'webpack';
    const compiler = webpack({
      mode: 'production', target: 'node20', entry: './handler.mjs', experiments: { outputModule: true },
      output: { path: process.cwd() + '/out', filename: 'main.mjs', module: true, library: { type: 'module' } },
    });
    compiler.run((error, stats) => compiler.close(() => {
      if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
    }));`,
  ...Object.fromEntries(
    (['es', 'cjs'] as const).map((format) => [
      `rollup, ${format}`,
      `
    import commonjs from '@rollup/plugin-commonjs';
    import json from '@rollup/plugin-json';
    import nodeResolve from '@rollup/plugin-node-resolve';
    import { rollup } from 'rollup';
    const bundle = await rollup({
      input: 'handler.mjs',
      plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
      onwarn(warning) { if (/node_modules.goldkey/.test(warning.id ?? warning.message)) throw new Error(warning.message); },
    });
    const extension = '${format === 'es' ? 'mjs' : 'cjs'}';
    await bundle.write({ dir: 'out', format: '${format}', entryFileNames: 'main.' + extension, chunkFileNames: '[name]-[hash].' + extension });`,
    ]),
  ),
  ...Object.fromEntries(
    (['esm', 'cjs'] as const).map((format) => [
      `esbuild, ${format}`,
      `
    import { build } from '${import.meta.resolve('esbuild')}';
    await build({
      entryPoints: ['handler.mjs'], outfile: 'out/main.${format === 'esm' ? 'mjs' : 'cjs'}', bundle: true, platform: 'node', format: '${format}',
      target: 'node20', mainFields: ['module', 'main'], logLevel: 'warning',
    });`,
    ]),
  ),
  ncc: `
    import ncc from '@vercel/ncc';
    import { mkdirSync, writeFileSync } from 'node:fs';
    const { code, assets } = await ncc(process.cwd() + '/handler.mjs', { quiet: true });
    mkdirSync('out');
    writeFileSync('out/main.mjs', code);
    for (const [name, { source }] of Object.entries(assets)) writeFileSync('out/' + name, source);`,
};

let tools: string;
let kms: FakeKms;
let api: FakePriceApi;
const folders: string[] = [];
beforeAll(async () => {
  tools = await installBundlers();
  [kms, api] = await Promise.all([startFakeKms(), startFakePriceApi({ keys: [KEY] })]);
}, 600_000);
afterAll(async () => {
  await Promise.all([kms.close(), api.close()]);
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe('a handler that holds the SDK, far from any package', { timeout: 240_000 }, () => {
  it.each(Object.entries(BUNDLERS))('%s', async (_, bundler) => {
    const project = await makeProject(tools, { 'handler.mjs': HANDLER, 'bundle.mjs': bundler });
    const away = makeTempFolder('goldkey-handler-');
    folders.push(project, away);

    const bundling = await execute(process.execPath, ['bundle.mjs'], project, { HOME: project });
    expect({ code: bundling.code, stderr: bundling.stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of await readdir(join(project, 'out'))) {
      await cp(join(project, 'out', name), join(away, name));
    }
    await rm(project, { recursive: true });
    const [main = ''] = (await readdir(away)).filter((name) => name.startsWith('main.'));
    const ran = await execute(process.execPath, [main], away, {
      CIPHERTEXT: kms.encrypt(KEY, { a: 'b' }),
      API: api.url,
      KMS: kms.url,
      AWS_REGION: kms.region,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'invented',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    });

    expect(ran).toEqual(printed('60 XAU\n60 XAU'));
  });
});
