import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';
import { fromTypeScript } from '../../servers/from-typescript.mjs';

const TARGET = 'node20.19';

let loader;

/** Resolves to the loader of the bundlers that are no development dependency, installed on first use. */
function bundlerLoader() {
  return (loader ??= createLoader());
}

async function createLoader() {
  const { installBundlers } = await fromTypeScript(new URL('../../servers/bundlers.ts', import.meta.url));
  const { resolve } = createRequire(join(await installBundlers(), 'index.js'));
  return (name) => import(pathToFileURL(resolve(name)).href);
}

const esbuild = (format, options) => (entry, outfile) =>
  build({
    entryPoints: [entry],
    ...{ outfile, format, ...options },
    bundle: true,
    minify: true,
    platform: 'node',
    target: TARGET,
    logLevel: 'error',
  });

/** Finds this package by its own name, which only its own files may use. */
const ownPackage = {
  name: 'own package',
  resolveId: (name) => (/^goldkey(?:\/|$)/.test(name) ? fileURLToPath(import.meta.resolve(name)) : undefined),
};

async function rollup(entry, outfile) {
  const load = await bundlerLoader();
  const [{ rollup: bundle }, commonjs, json, nodeResolve] = await Promise.all([
    load('rollup'),
    ...['commonjs', 'json', 'node-resolve'].map(async (name) => (await load(`@rollup/plugin-${name}`)).default),
  ]);
  const minify = {
    name: 'minify',
    renderChunk: (code) => transform(code, { minify: true, target: TARGET, format: 'esm' }),
  };
  const resolve = nodeResolve({ preferBuiltins: true, exportConditions: ['node'] });
  const built = await bundle({
    input: entry,
    plugins: [ownPackage, resolve, commonjs(), json(), minify],
    // The SDK's own circles.
    logLevel: 'silent',
  });
  await built.write({ file: outfile, format: 'esm', inlineDynamicImports: true });
  await built.close();
}

async function webpack(entry, outfile) {
  const { default: pack } = await (await bundlerLoader())('webpack');
  const compiler = pack({
    mode: 'production',
    target: 'node20',
    entry,
    plugins: [new pack.optimize.LimitChunkCountPlugin({ maxChunks: 1 })],
    output: { path: dirname(outfile), filename: basename(outfile), library: { type: 'commonjs2' } },
  });
  await new Promise((resolve, reject) => {
    compiler.run((error, stats) => {
      const failure = error ?? (stats.hasErrors() ? new Error(stats.toString()) : undefined);
      compiler.close(() => (failure === undefined ? resolve() : reject(failure)));
    });
  });
}

/** How users bundle a handler into one file: by name, what it writes and how. */
export const bundlings = {
  'esbuild, cjs': { ending: 'cjs', bundle: esbuild('cjs', {}) },
  'esbuild, esm': {
    ending: 'mjs',
    bundle: esbuild('esm', {
      // The SDK that esbuild takes is CommonJS, which an ES module needs a `require` for.
      banner: {
        js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
      },
    }),
  },
  'rollup, esm': { ending: 'mjs', bundle: rollup },
  'webpack, cjs': { ending: 'cjs', bundle: webpack },
};
