import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { formsOf } from '../cli/run.js';

/** The package's own folder. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
// `npm test` builds first; a bare vitest run may find nothing built.
export const built = existsSync(join(ROOT, 'dist', 'esm', 'index.js'));
export const missing = built ? '' : 'SKIPPED: nothing is built, run `npm run build:js`';
if (!built && (process.env['CI'] ?? '') !== '') throw new Error(missing);

/** Starts Node.js as a user would, in the package's folder. */
export function start(
  args: readonly string[],
  environment: Record<string, string>,
  program: string = process.execPath,
) {
  const child = spawn(program, args, { cwd: ROOT, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return { child, output };
}

/** Runs a program to its end, and holds it to printing none of `keys`. */
export function finishedWithout(...keys: readonly string[]) {
  return async (args: readonly string[], environment: Record<string, string>, program?: string) => {
    const { child, output } = start(args, environment, program);
    const [code] = (await once(child, 'close')) as [number | null];
    for (const form of keys.flatMap(formsOf)) expect(output.stdout + output.stderr).not.toContain(form);
    return { code, ...output };
  };
}

/** Environment variables of a program that decrypts its key at a fake of KMS. */
export const kmsEnvironment = (kms: { readonly url: string; readonly region: string }): Record<string, string> => ({
  AWS_ENDPOINT_URL_KMS: kms.url,
  AWS_REGION: kms.region,
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'invented',
});
