// Fuzzes what goldkey reads from others: files, answers of services, texts that are searched for the key.
//
//   npm run fuzz -- [--seconds N] [--target NAME,NAME] [--seed N] [--grow]
//   npm run fuzz -- --target NAME --input BASE64      runs one input again
//
// All targets share the seconds (default 60). `--grow` adds inputs to `corpus` that reach what no other there does. A
// finding is printed with its input, and the exit code is 1. The fuzzer is TypeScript, so that the sources are.
import { accessSync, constants, mkdirSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readOptions, refuse, SEED } from '../programs/read-options.mjs';

const root = resolve(import.meta.dirname, '..', '..');
const targets = readdirSync(join(import.meta.dirname, 'targets')).map((file) => basename(file, '.ts'));
const options = readOptions(import.meta.filename, {
  seconds: { least: 1, most: 86_400 },
  target: { oneOf: targets, many: true },
  seed: SEED,
  input: { pattern: /^[\w+/-]*={0,2}$/, text: 'an input in base64' },
  grow: { flag: true },
});
if (options.input !== undefined && options.target.length !== 1) refuse('--input needs one --target that it is for.');
const target = options.target.length === 0 ? targets : options.target;
const { build } = await import('esbuild');
const folder = join(root, '.cache', 'fuzz');
try {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK);
  const outfile = join(folder, 'cli.mjs');
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
  process.exitCode = await main({ seconds: 60, seed: Date.now(), ...options, target }, root);
} catch (error) {
  if (error.syscall === undefined) throw error;
  refuse(`The fuzzer cannot read or write what it needs: ${error.message}.`);
}
