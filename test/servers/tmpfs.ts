import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { makeTempFolder, undoAtExit } from '../programs/at-exit.mjs';
import { run } from './process.js';

/** Mounts a file system of 2 MiB, which takes rights that a user may lack. */
export async function mountTmpfs(): Promise<{ path: string } & AsyncDisposable> {
  const path = makeTempFolder('goldkey-full-');
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  } catch (error) {
    await rm(path, { recursive: true });
    throw new Error('no file system can be mounted; run the tests as root', { cause: error });
  }
  // Lazily: after a failed test a file is open still.
  const unmount = ['-l', path];
  const forget = undoAtExit(() => execFileSync('umount', unmount));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run('umount', unmount);
      forget();
      await rm(path, { recursive: true });
    },
  };
}
