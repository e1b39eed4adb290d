// The second step of the build: what `goldkey` loads becomes one chunk, and each subpath on the way to the first key one
// file beside it. Each further file costs Node.js 20 half a millisecond to a whole one from cold. The chunk stays shared
// with every other subpath, so that every class exists once.
//
//   node .ci/one-file.mjs providers/kms/index providers/local/index
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const options = {
  absWorkingDir: dist,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  // Its own chunks are told as having no side effects, which is so.
  logLevel: 'error',
};

/** The chunks that a file reaches by static imports. */
function chunksOf(file, found = new Set()) {
  const text = readFileSync(join(dist, file), 'utf8');
  for (const [, chunk] of text.matchAll(/\bfrom"(?:\.\.?\/)+(chunk-[A-Z0-9]+\.js)"/g)) {
    if (found.has(chunk)) continue;
    found.add(chunk);
    chunksOf(chunk, found);
  }
  return found;
}

/** Merges the chunks of `goldkey` into the one that most others use; the rest of them only pass its names on. */
async function mergeCore() {
  const chunks = [...chunksOf('index.js')];
  const sizeOf = (chunk) => readFileSync(join(dist, chunk)).length;
  const core = chunks.toSorted((a, b) => sizeOf(b) - sizeOf(a))[0];
  const contents = ['index.js', ...chunks].map((file) => `export * from './${file}';`).join('\n');
  const { outputFiles, metafile } = await build({
    ...options,
    stdin: { contents, resolveDir: dist },
    write: false,
    metafile: true,
  });
  const names = Object.values(metafile.outputs)[0].exports;
  const exportsOf = (file) => /export\{([^}]*)\};?\s*$/.exec(readFileSync(join(dist, file), 'utf8'))[1].split(',');
  const others = ['index.js', ...chunks.filter((chunk) => chunk !== core)].map((file) => [file, exportsOf(file)]);
  const lost = [core, ...others.map(([file]) => file)].flatMap(exportsOf).filter((name) => !names.includes(name));
  if (lost.length > 0) throw new Error(`chunks export different things by one name: ${lost.join(', ')}`);
  writeFileSync(join(dist, core), outputFiles[0].contents);
  for (const [file, passed] of others) {
    writeFileSync(join(dist, file), `export{${passed.join(',')}}from"./${core}";\n`);
  }
  return core;
}

/**
 * aws4 as an ES module, for applications that are one: what a bundler makes of a CommonJS module asks for a `require` that
 * they lack. Where it is installed the package itself is loaded.
 */
async function copySigner() {
  const notice = readFileSync(join(root, 'node_modules', 'aws4', 'LICENSE'), 'utf8').trim();
  await build({
    ...options,
    packages: 'bundle',
    stdin: { contents: `export { default } from 'aws4';`, resolveDir: root },
    plugins: [
      {
        name: 'built-ins',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^(?:crypto|querystring|url)$/ }, ({ path }) => ({ path, namespace: 'built-in' }));
          onLoad({ filter: /./, namespace: 'built-in' }, ({ path }) => ({
            contents: `module.exports = process.getBuiltinModule('node:${path}');`,
          }));
        },
      },
    ],
    banner: { js: `/* aws4\n\n${notice} */` },
    outfile: 'aws4.js',
  });
  const users = readdirSync(dist, { recursive: true }).filter((file) => {
    if (!file.endsWith('.js')) return false;
    const text = readFileSync(join(dist, file), 'utf8');
    const up = '../'.repeat(file.split(/[\\/]/).length - 1) || './';
    writeFileSync(join(dist, file), text.replaceAll('import("aws4")', `import("${up}aws4.js")`));
    return text.includes('import("aws4")');
  });
  if (users.length === 0) throw new Error('nothing imports aws4');
}

const core = await mergeCore();
for (const subpath of process.argv.slice(2)) {
  // An external path is passed on as it stands, so it has to be the one that leads from the file made.
  const path = `${'../'.repeat(subpath.split('/').length - 1) || './'}${core}`;
  await build({
    ...options,
    entryPoints: [`${subpath}.js`],
    outfile: `${subpath}.js`,
    allowOverwrite: true,
    plugins: [
      {
        name: 'core',
        setup({ onResolve }) {
          onResolve({ filter: new RegExp(`/${core.replace('.', '\\.')}$`) }, () => ({ path, external: true }));
        },
      },
    ],
  });
}
await copySigner();
