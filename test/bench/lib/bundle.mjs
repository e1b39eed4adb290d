import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * What a user ships who bundles `source` for Node.js: everything in one file, packages that are loaded lazily as well. Only
 * the AWS SDK, an optional peer, stays outside where `external` says so.
 *
 * @returns bytes after minifying and gzip
 */
export async function bundledBytes(source, external = []) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('../', import.meta.url)) },
    external,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    legalComments: 'none',
    write: false,
    logLevel: 'error',
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).byteLength, 0);
}
