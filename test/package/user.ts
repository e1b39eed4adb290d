import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { endWithProcess } from '../programs/at-exit.mjs';

/** What a user's program left behind. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** A user's program, an ES module unless it says `cjs`. */
export interface ProgramOptions {
  /** Where it lies: with the package alone, or with the optional peers beside it. */
  folder?: string;
  kind?: 'mjs' | 'cjs';
  /** For Node.js. */
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** Runs a program of a user in the folder where the package is installed, to its end. */
export async function program(source: string, options: ProgramOptions = {}): Promise<Ran> {
  const { folder = inject('plain'), kind = 'mjs', flags = [], env = {} } = options;
  const file = join(folder, `program-${randomUUID()}.${kind}`);
  await writeFile(file, source);
  try {
    return await node([...flags, file], folder, env);
  } finally {
    await rm(file);
  }
}

/** Runs the chosen Node.js, with nothing of this process's environment but the path. */
export function node(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return execute(inject('node'), args, folder, env);
}

/** Runs a program, with nothing of this process's environment but the path. */
export function execute(
  binary: string,
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<Ran> {
  const running = promisify(execFile)(binary, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    timeout: 120_000,
  });
  endWithProcess(running.child).stdin?.end();
  return running.then(
    (output) => ({ code: 0, ...output }),
    ({ code, stdout, stderr }: Ran) => ({ code, stdout, stderr }),
  );
}

/** Asserted of a program that did well: it printed this and no warning, and ended by itself. */
export const printed = (stdout: string): Ran => ({ code: 0, stdout: `${stdout}\n`, stderr: '' });
