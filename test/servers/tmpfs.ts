import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './process.js';

/** Mounts a file system of 2 MiB, which takes rights that a user may lack. */
export async function mountTmpfs(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'goldkey-full-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  } catch (error) {
    await rm(path, { recursive: true });
    throw new Error('no file system can be mounted; run the tests as root', { cause: error });
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      // Lazily: after a failed test the file is open still.
      await run('umount', ['-l', path]);
      await rm(path, { recursive: true });
    },
  };
}
