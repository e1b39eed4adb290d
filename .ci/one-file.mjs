// The second step of the build: subpaths on the way to the first key become one file each, beside the core that every
// subpath shares. Each further file costs Node.js 20 half a millisecond from cold. What `goldkey` itself loads stays
// shared, so that every class exists once.
//
//   node .ci/one-file.mjs kms kms-light local
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const dist = join(import.meta.dirname, '..', 'dist');

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

await build({
  absWorkingDir: dist,
  entryPoints: process.argv.slice(2).map((subpath) => `${subpath}.js`),
  external: [...chunksOf('index.js')].map((chunk) => `./${chunk}`),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  outdir: '.',
  allowOverwrite: true,
  // Its own chunks are told as having no side effects, which is so.
  logLevel: 'error',
});
