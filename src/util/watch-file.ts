import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { tryOrUndefined } from '../core/index.js';

const AGAIN_FIRST = 1_000;
const AGAIN_LAST = 30_000;

/**
 * Tells of changes of a file: of itself, of links on the way to it (Kubernetes swaps `..data`), and of its folder going
 * and coming back, which is tried again for as long as it takes. Holds no process.
 */
export async function watchFile(path: string, onChange: () => void): Promise<() => Promise<void>> {
  // A listener's fault is its own.
  const tell = (): void => tryOrUndefined(onChange);
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
        lost(Math.min(Math.max(pause * 2, AGAIN_FIRST), AGAIN_LAST));
      });
    }, pause);
    timer.unref();
  };
  const start = async (): Promise<void> => {
    const named = resolve(path);
    const real = await realpath(path).catch(() => named);
    if (closed) return;
    // `..data` is what Kubernetes swaps.
    const links = [basename(named), '..data'];
    const folders = new Map([[dirname(named), links]]);
    folders.set(dirname(real), [...(folders.get(dirname(real)) ?? []), basename(real)]);
    for (const [folder, names] of folders) {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // By its own name a folder says that it has gone: what comes in its place has to be watched anew.
        const isGone = name === basename(folder);
        if (name !== null && !isGone && !names.includes(name)) return;
        tell();
        // The link may now lead elsewhere.
        if (isGone || (real !== named && name !== null && links.includes(name))) lost(1);
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
