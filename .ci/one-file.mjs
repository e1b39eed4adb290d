// The second step of the build: what `goldkey` loads becomes one chunk, and each subpath on the way to the first key one
// file beside it. Each further file costs Node.js 20 half a millisecond to a whole one from cold. The chunk stays shared
// with every other subpath, so that every class exists once.
//
//   node .ci/one-file.mjs kms local
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const dist = join(import.meta.dirname, '..', 'dist');
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
  for (const [, chunk] of text.matchAll(/\bfrom"\.\/(chunk-[A-Z0-9]+\.js)"/g)) {
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

const core = await mergeCore();
await build({
  ...options,
  entryPoints: process.argv.slice(2).map((subpath) => `${subpath}.js`),
  external: [`./${core}`],
  outdir: '.',
  allowOverwrite: true,
});
