// Fuzzes what goldkey reads from others: files, answers of services, texts that are searched for the key.
//
//   npm run fuzz -- [--seconds N] [--target NAME]… [--seed N] [--grow]
//   npm run fuzz -- --target NAME --input BASE64      runs one input again
//
// All targets share the seconds (default 60). `--grow` adds inputs to `corpus` that reach what no other there does. A
// finding is printed with its input, and the exit code is 1. The fuzzer is TypeScript, so that the sources are.
import { build } from 'esbuild';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '..', '..');
const outfile = join(root, '.cache', 'fuzz', 'cli.mjs');
await build({
  absWorkingDir: root,
  entryPoints: ['test/fuzz/lib/cli.ts'],
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  logLevel: 'warning',
  outfile,
});
const { main } = await import(pathToFileURL(outfile).href);
process.exitCode = await main(process.argv.slice(2), root);
