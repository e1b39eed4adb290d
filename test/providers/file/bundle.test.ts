import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const SOURCES = fileURLToPath(new URL('../../../src/', import.meta.url));

describe('a bundle of goldkey and goldkey/file', () => {
  it('contains no SDK: of the packages only p-retry and what that needs', async () => {
    const { metafile } = await build({
      stdin: {
        contents: `export { GoldDataClient } from './index.js'; export { fromFile } from './providers/file/index.js';`,
        resolveDir: SOURCES,
      },
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
    });
    const packages = Object.keys(metafile.inputs).flatMap(
      (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path.replaceAll('\\', '/'))?.[1] ?? [],
    );
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));

    expect([...new Set(packages)].toSorted()).toEqual(['is-network-error', 'p-retry']);
    expect(outside.filter((path) => !isBuiltin(path))).toEqual([]);
  });
});
