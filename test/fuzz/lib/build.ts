import { build, transform } from 'esbuild';
import { readdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { FILES, type BuiltFile } from './built.js';
import { instrument } from './instrument.js';

/** A change of a source, made in the build alone, by which a test shows that the fuzzer can fail. */
export interface Fault {
  /** Relative to `src`. */
  readonly path: string;
  readonly find: string;
  readonly replace: string;
}

const TARGETS = 'test/fuzz/targets';

/** Lists the names of the targets. */
export function listTargets(root: string): string[] {
  return readdirSync(join(root, TARGETS)).map((file) => basename(file, '.ts'));
}

/** Builds the targets and the worker that runs them, with counters in all blocks of `src`, into `folder` below the root. */
export async function buildTargets(root: string, folder: string, fault?: Fault): Promise<void> {
  // Chunks of an earlier build have other names.
  rmSync(folder, { recursive: true, force: true });
  const src = join(root, 'src');
  const files: BuiltFile[] = [];
  let next = 0;
  const load = async (path: string): Promise<string> => {
    const name = relative(src, path);
    let source = await readFile(path, 'utf8');
    if (fault?.path === name) {
      if (source.split(fault.find).length !== 2) throw new Error(`${name} does not hold the text to replace once.`);
      source = source.replace(fault.find, () => fault.replace);
    }
    const { code } = await transform(source, { loader: 'ts', target: 'node20.19' });
    const made = instrument(code, next);
    files.push({ path: name, first: next, blocks: made.blocks, words: made.words });
    next += made.blocks;
    return made.code;
  };
  await build({
    absWorkingDir: root,
    entryPoints: ['test/fuzz/lib/worker.ts', ...listTargets(root).map((name) => `${TARGETS}/${name}.ts`)],
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    logLevel: 'warning',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    define: { GOLDKEY_VERSION: '"0.0.0"' },
    plugins: [
      {
        name: 'counters',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path }) =>
            path.startsWith(`${src}/`) ? { contents: await load(path) } : undefined,
          );
        },
      },
    ],
  });
  await writeFile(join(folder, FILES), JSON.stringify(files));
}
