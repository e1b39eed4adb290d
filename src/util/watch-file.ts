import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { Resubscriber, systemClock, tryOrUndefined } from '../core/index.js';

/** The pauses in ms before a lost watch is set up again. */
const PAUSES = { first: 500, last: 30_000 };

/**
 * Calls `onChange` when a file changes, when a link on its path is swapped, and when its folder is removed or created
 * again, which is awaited for as long as it takes. Holds no process. Rejects if there is no folder to begin with.
 *
 * @returns the function that ends the watch
 */
export async function watchFile(path: string, onChange: () => void): Promise<() => Promise<void>> {
  const named = resolve(path);
  // Kubernetes changes a volume by swapping `..data`.
  const links = [basename(named), '..data'];
  const watchers: FSWatcher[] = [];
  let closed = false;
  // An error of the listener must not end the watch.
  const notify = (): void => tryOrUndefined(onChange);

  const stop = (): void => {
    for (const watcher of watchers.splice(0)) watcher.close();
  };
  const start = async (): Promise<void> => {
    stop();
    const real = await realpath(named).catch(() => named);
    if (closed) return;
    const folders = new Map([[dirname(named), links]]);
    folders.set(dirname(real), [...(folders.get(dirname(real)) ?? []), basename(real)]);
    for (const [folder, names] of folders) {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // A folder that is removed reports its own name. The one that takes its place has to be watched anew.
        const isGone = name === basename(folder);
        if (name !== null && !isGone && !names.includes(name)) return;
        notify();
        // The link may lead to another folder now.
        if (isGone || (real !== named && name !== null && links.includes(name))) resubscriber.resubscribe(1);
      });
      watcher.on('error', () => {
        resubscriber.resubscribe();
      });
      watchers.push(watcher);
    }
  };
  const restart = async (): Promise<void> => {
    await start();
    if (!closed) notify();
  };
  const resubscriber = new Resubscriber(restart, { clock: systemClock, ...PAUSES });

  try {
    await start();
  } catch (error) {
    stop();
    throw error;
  }
  return () => {
    closed = true;
    resubscriber.stop();
    stop();
    return Promise.resolve();
  };
}
