import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { attempt } from '../core/index.js';

const AGAIN_FIRST = 1_000;
const AGAIN_LAST = 30_000;

/**
 * Tells of changes of a file: of itself, of links on the way to it (Kubernetes swaps `..data`), and of its folder going
 * and coming back, which is tried again for as long as it takes. Holds no process.
 */
export async function watchFile(path: string, onChange: () => void): Promise<() => Promise<void>> {
  // A listener's fault is its own.
  const tell = (): void => attempt(onChange);
  let closed = false;
  let watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;

  const stop = (): void => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };
  const lost = (pause: number): void => {
    stop();
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      start().then(tell, () => {
        lost(Math.min(pause * 2, AGAIN_LAST));
      });
    }, pause);
    timer.unref();
  };
  const start = async (): Promise<void> => {
    const real = await realpath(path).catch(() => path);
    if (closed) return;
    const folders = new Map([
      [dirname(path), [basename(path), '..data']],
      [dirname(real), [basename(real)]],
    ]);
    for (const [folder, names] of folders) {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name !== null && !names.includes(name)) return;
        tell();
        // The link may now lead elsewhere.
        if (names.includes('..data') && real !== path) lost(1);
      });
      watcher.on('error', () => {
        lost(AGAIN_FIRST);
      });
      watchers.push(watcher);
    }
  };

  try {
    await start();
  } catch (error) {
    stop();
    throw error;
  }
  return () => {
    closed = true;
    clearTimeout(timer);
    stop();
    return Promise.resolve();
  };
}
