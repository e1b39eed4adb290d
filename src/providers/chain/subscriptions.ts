import { nameInChain } from './version-names.js';
import type { Store } from './options.js';

type OnChange = (change: { version?: string | undefined }) => void;

/** How long a store whose subscription failed is left alone, in ms. */
const AGAIN = 30_000;

/**
 * Hears the changes of every store that tells of them. One that cannot be subscribed to is tried again for as long as
 * it takes, and keeps nobody from hearing the others; when none can be, it is the caller's turn to try again.
 */
export async function hearAll(stores: readonly Store[], onChange: OnChange): Promise<() => Promise<void>> {
  const ends: Array<() => Promise<void>> = [];
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  const hear = async (store: Store, index: number): Promise<void> => {
    const end = await store.subscribe?.((change) => {
      const version = change?.version;
      onChange(version === undefined ? {} : { version: nameInChain(index, version) });
    });
    if (end === undefined) return;
    if (closed) await end();
    else ends.push(end);
  };
  const again = (store: Store, index: number): void => {
    if (closed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      hear(store, index).then(
        // What changed while nobody listened was not told.
        () => closed || onChange({}),
        () => again(store, index),
      );
    }, AGAIN);
    timer.unref();
    timers.add(timer);
  };

  const telling = [...stores.entries()].filter(([, { subscribe }]) => subscribe !== undefined);
  const heard = await Promise.allSettled(telling.map(([index, store]) => hear(store, index)));
  const failed = heard.find((result) => result.status === 'rejected');
  if (failed !== undefined && heard.every(({ status }) => status === 'rejected')) throw failed.reason;
  for (const [place, [index, store]] of telling.entries()) {
    if (heard[place]?.status === 'rejected') again(store, index);
  }
  return async () => {
    closed = true;
    for (const timer of timers) clearTimeout(timer);
    await Promise.all(ends.map((end) => end()));
  };
}
