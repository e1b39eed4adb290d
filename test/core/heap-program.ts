import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';

const run = promisify(execFile);

/**
 * Runs `source` as a program of its own, which gets a file for its snapshot and a mode. Resolves to the JSON that it prints
 * and to the snapshot.
 */
export function heapProgram<R>(source: string): (mode: string) => Promise<{ report: R; heap: string }> {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'goldkey-heap-'));
    await writeFile(join(folder, 'program.mjs'), source);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return async (mode) => {
    const file = join(folder, `${mode}.heapsnapshot`);
    const { stdout } = await run(process.execPath, ['--expose-gc', join(folder, 'program.mjs'), file, mode]);
    return { report: JSON.parse(stdout) as R, heap: await readFile(file, 'utf8') };
  };
}
