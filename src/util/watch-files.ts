import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { Resubscriber, systemClock, tryOrUndefined } from '../core/index.js';

/**
 * Calls `onChange` when one of the files changes, when a link on its path is swapped, and when its folder is removed or
 * created again, which is awaited for as long as it takes. Holds no process. Rejects if a folder is missing at first.
 *
 * @returns the function that ends the watch
 */
export async function watchFiles(paths: readonly string[], onChange: () => void): Promise<() => Promise<void>> {
  const named = paths.map((path) => resolve(path));
  const watchers: FSWatcher[] = [];
  let closed = false;
  // An error of the listener must not end the watch.
  const notify = (): void => tryOrUndefined(onChange);

  const stop = (): void => {
    for (const watcher of watchers.splice(0)) watcher.close();
  };
  const start = async (): Promise<void> => {
    stop();
    // The names to watch in each folder, and whether a change of one may lead the path to another folder.
    const folders = new Map<string, Map<string, boolean>>();
    const add = (folder: string, name: string, isLink: boolean): void => {
      const names = folders.get(folder) ?? new Map<string, boolean>();
      folders.set(folder, names.set(name, isLink || names.get(name) === true));
    };
    for (const path of named) {
      const real = await realpath(path).catch(() => path);
      // Kubernetes changes a volume by swapping `..data`.
      for (const name of [basename(path), '..data']) add(dirname(path), name, real !== path);
      add(dirname(real), basename(real), false);
    }
    if (closed) return;
    for (const [folder, names] of folders) {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // A folder that is removed reports its own name. The one that takes its place has to be watched anew.
        const isGone = name === basename(folder);
        if (name !== null && !isGone && !names.has(name)) return;
        notify();
        if (isGone || names.get(name ?? '') === true) resubscriber.resubscribe(1);
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
  const resubscriber = new Resubscriber(restart, { clock: systemClock, first: 500, last: 30_000 });

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
