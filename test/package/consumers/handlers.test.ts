import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { makeTempFolder } from '../../programs/at-exit.mjs';
import { installBundlers } from '../../servers/bundlers.js';
import { execute, node, printed } from '../user.js';
import { makeProject } from './tools.js';

const KEY = 'sk-invented/+&=0123456789';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'an-invented-secret' };
const LIGHT_BYTES = 140_000;

/** What a handler with `fromKms` is made of. esbuild takes the CommonJS files of some unless told of `module`, and a package more. */
const KMS_PACKAGES = [
  '@aws-sdk/client-kms',
  '@aws-sdk/core',
  '@aws-sdk/credential-provider-env',
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-node',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@aws-sdk/nested-clients',
  '@aws-sdk/signature-v4-multi-region',
  '@aws-sdk/token-providers',
  '@aws-sdk/xml-builder',
  '@aws/lambda-invoke-store',
  '@smithy/core',
  '@smithy/credential-provider-imds',
  '@smithy/node-http-handler',
  '@smithy/signature-v4',
  '@smithy/types',
  'goldkey',
];
const KMS_FILES = ['dist/esm/shared/chunk.js', 'dist/esm/shared/sdk.js'];
const LIGHT_FILES = ['dist/esm/providers/kms-light/kms-light.js', 'dist/esm/shared/chunk.js'];

const handler = (store: string, subpath: string, options: string): string => `
import { GoldDataClient } from 'goldkey';
import { ${store} } from 'goldkey/${subpath}';

const { CIPHERTEXT: ciphertext, KMS: endpoint, REGION: region } = process.env;
const gold = new GoldDataClient({
  keyProvider: ${store}({ ciphertext, encryptionContext: { a: 'b' }, region, ${options} }),
  fetchPrice: async (symbol, { apiKey }) => symbol + ' with a key of ' + apiKey.length,
});
const tell = ({ code, message }) => console.log(code, message);
gold.getPrice('XAU').catch(() => gold.getPrice('XAU')).then(console.log, tell).finally(() => gold.close());
`;
const HANDLERS = {
  fromKms: handler('fromKms', 'kms', 'clientConfig: { endpoint }'),
  fromKmsLight: handler('fromKmsLight', 'kms-light', 'endpoint'),
};

const esbuild = (format: 'esm' | 'cjs', options: string): string => `
  import { build } from '${import.meta.resolve('esbuild')}';
  const { metafile } = await build({
    entryPoints: ['handler.mjs'], outfile: 'out/main.${format === 'esm' ? 'mjs' : 'cjs'}', bundle: true, platform: 'node', format: '${format}', target: 'node20',
    minify: true, metafile: true, logLevel: 'warning', ${options}
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  console.log(JSON.stringify(Object.keys(inputs).filter((file) => inputs[file].bytesInOutput > 0)));`;

const rollup = (format: 'esm' | 'cjs'): string => `
  import commonjs from '@rollup/plugin-commonjs';
  import json from '@rollup/plugin-json';
  import nodeResolve from '@rollup/plugin-node-resolve';
  import { rollup } from 'rollup';
  import { transform } from '${import.meta.resolve('esbuild')}';
  const bundle = await rollup({
    input: 'handler.mjs',
    plugins: [
      nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json(),
      { name: 'minify', renderChunk: (code) => transform(code, { minify: true, target: 'node20', format: '${format}' }) },
    ],
    onwarn(warning) { if (/node_modules.goldkey/.test(warning.id ?? warning.message)) throw new Error(warning.message); },
  });
  const { output } = await bundle.write({ file: 'out/main.${format === 'esm' ? 'mjs' : 'cjs'}', format: '${format}', inlineDynamicImports: true });
  const [{ modules }] = output;
  console.log(JSON.stringify(Object.keys(modules).filter((file) => modules[file].renderedLength > 0 && !file.startsWith('\\0'))));`;

const webpack = (output: string): string => `
  import webpack from 'webpack';
  const compiler = webpack({
    mode: 'production', target: 'node20', entry: './handler.mjs',
    plugins: [new webpack.optimize.LimitChunkCountPlugin({ maxChunks: 1 })],
    ${output}
  });
  const list = ({ modules, nameForCondition, type, orphan }) =>
    modules?.flatMap(list) ?? (nameForCondition && !orphan ? [nameForCondition] : []);
  compiler.run((error, stats) => compiler.close(() => {
    if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
    const { modules } = stats.toJson({ all: false, modules: true, nestedModules: true, modulesSpace: Infinity, nestedModulesSpace: Infinity });
    console.log(JSON.stringify(modules.flatMap(list)));
  }));`;

/** Programs that bundle \`handler.mjs\` into the one file \`out/main.*\`, nothing left outside, and print what went in. */
const BUNDLERS = {
  'esbuild, esm': esbuild('esm', `mainFields: ['module', 'main']`),
  'esbuild, cjs': esbuild('cjs', ''),
  'rollup, esm': rollup('esm'),
  'rollup, cjs': rollup('cjs'),
  'webpack, esm': webpack(
    `experiments: { outputModule: true }, output: { path: process.cwd() + '/out', filename: 'main.mjs', module: true, library: { type: 'module' } },`,
  ),
  'webpack, cjs': webpack(`output: { path: process.cwd() + '/out', filename: 'main.cjs' },`),
};

let tools: string;
let kms: FakeKms;
const folders: string[] = [];
beforeAll(async () => {
  tools = await installBundlers();
  kms = await startFakeKms({ credentials: CREDENTIALS });
}, 600_000);
afterAll(async () => {
  await kms.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

interface Bundled {
  /** The path of the one file, in a folder of its own. */
  readonly file: string;
  readonly bytes: number;
  /** The packages that went in. */
  readonly packages: readonly string[];
  /** The files of goldkey that did, without the marks of their content. */
  readonly own: readonly string[];
}

/** Bundles a handler, and takes the file far from any package. */
async function bundle(by: keyof typeof BUNDLERS, store: keyof typeof HANDLERS): Promise<Bundled> {
  const project = await makeProject(tools, { 'handler.mjs': HANDLERS[store], 'bundle.mjs': BUNDLERS[by] });
  const away = makeTempFolder('goldkey-handler-');
  folders.push(project, away);
  const { code, stdout, stderr } = await execute(process.execPath, ['bundle.mjs'], project, { HOME: project });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const files = (JSON.parse(stdout) as string[]).map((path) => path.replaceAll('\\', '/'));

  const main = by.endsWith('esm') ? 'main.mjs' : 'main.cjs';
  const written = await readdir(join(project, 'out'));
  expect(written.filter((other) => !other.endsWith('.LICENSE.txt'))).toEqual([main]);
  const file = join(away, main);
  await rename(join(project, 'out', main), file);
  await rm(project, { recursive: true });
  const packages = files.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '');
  const own = files.map((path) => /.*node_modules\/goldkey\/(.*)/.exec(path)?.[1]?.replace(/-[A-Z\d]{8}/, '') ?? '');
  const distinct = (names: readonly string[]): string[] => [...new Set(names)].filter((name) => name !== '').toSorted();
  return { file, bytes: (await stat(file)).size, packages: distinct(packages), own: distinct(own) };
}

/** Puts a package of the SDK's name beside a bundle. */
async function putBeside(file: string, text: string): Promise<void> {
  const folder = join(file, '../node_modules/@aws-sdk/client-kms');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.js'), text);
}

const run = (file: string, env: Readonly<Record<string, string>> = {}) =>
  node([file], join(file, '..'), {
    CIPHERTEXT: kms.encrypt(KEY, { a: 'b' }),
    KMS: kms.url,
    REGION: kms.region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    HOME: join(file, '..'),
    ...env,
  });
const SIGNED = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

/** What the others make depends on no version of Node.js, takes half a minute each, and is run by the one that is running. */
const bundlers = (Object.keys(BUNDLERS) as (keyof typeof BUNDLERS)[]).filter(
  (by) => by.startsWith('esbuild') || inject('node') === process.execPath,
);

describe.each(bundlers)('a handler in one file, by %s', (by) => {
  it('with fromKms uses the SDK that it holds, whatever is installed beside it', { timeout: 240_000 }, async () => {
    const { file, packages, own } = await bundle(by, 'fromKms');
    await putBeside(file, `console.log('loaded from disk'); throw new Error('another SDK');`);

    expect(await run(file, SIGNED)).toEqual(printed('XAU with a key of 25'));
    expect(packages.filter((name) => name !== 'bowser')).toEqual(KMS_PACKAGES);
    expect(own).toEqual(KMS_FILES);
  });

  it('with fromKmsLight holds no SDK, and looks for one when it needs it', { timeout: 240_000 }, async () => {
    const { file, bytes, packages, own } = await bundle(by, 'fromKmsLight');

    expect(await run(file, SIGNED)).toEqual(printed('XAU with a key of 25'));
    expect(packages).toEqual(['goldkey']);
    expect(own).toEqual(LIGHT_FILES);
    expect(bytes).toBeLessThan(LIGHT_BYTES);
    expect(await readFile(file, 'utf8')).not.toContain('NodeHttpHandler');

    const { stdout } = await run(file);
    expect(stdout).toMatch(/^ERR_GOLDKEY_MISSING_PACKAGE .*no AWS credentials.*npm install @aws-sdk\/client-kms\n$/);

    await putBeside(
      file,
      `exports.KMSClient = class { config = { credentials: async () => (${JSON.stringify(CREDENTIALS)}) }; destroy() {} };`,
    );
    expect(await run(file)).toEqual(printed('XAU with a key of 25'));
  });
});
