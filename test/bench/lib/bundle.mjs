import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/**
 * What a user ships who bundles `source` for Node.js, but for what `external` names.
 *
 * @param resolveDir - the folder that `source` lies in
 * @returns bytes after minifying and gzip: of one file with everything in it, what is loaded lazily as well, and of what is
 *   loaded `upFront` when the rest stays in files of its own; the files that went in, and how it imports what did not
 */
export async function bundled(source, { resolveDir, external = [] }) {
  const options = {
    stdin: { contents: source, resolveDir, sourcefile: 'user.mjs' },
    absWorkingDir: resolveDir,
    external,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    legalComments: 'none',
    entryNames: 'bundle',
    outdir: 'out',
    outExtension: { '.js': '.mjs' },
    write: false,
    metafile: true,
    logLevel: 'error',
  };
  const { outputFiles, metafile } = await build(options);
  const [{ imports, inputs }] = Object.values(metafile.outputs);
  const split = await build({ ...options, splitting: true });
  const early = reached(split.metafile.outputs, 'out/bundle.mjs');
  const paths = new Set([...early].map((path) => join(resolveDir, path)));
  return {
    bytes: zipped(outputFiles),
    upFront: zipped(split.outputFiles.filter(({ path }) => paths.has(path))),
    files: Object.keys(inputs).filter((file) => inputs[file].bytesInOutput > 0 && file !== 'user.mjs'),
    outside: imports.map(({ path, kind }) => ({ path, kind })),
  };
}

function zipped(files) {
  return files.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).byteLength, 0);
}

/** An output and those that it imports statically. */
function reached(outputs, path, found = new Set()) {
  found.add(path);
  for (const { path: next, kind, external } of outputs[path].imports) {
    if (kind === 'import-statement' && external !== true && !found.has(next)) reached(outputs, next, found);
  }
  return found;
}

/** The npm package that a file belongs to. */
export function packageOf(file) {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file.replaceAll('\\', '/'))?.[1];
}
