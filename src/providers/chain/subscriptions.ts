import { Resubscriber, systemClock, tryOrUndefined, type Clock } from '../../core/index.js';
import { closeAll, closeInTime, waitInTime } from '../../util/close-all.js';
import type { Store } from './member.js';
import { formatChainName } from './version-names.js';

/** Receives each change of a key, and its version where the store names it. */
export type OnChange = (change: { version?: string | undefined }) => void;

/** The pause before a store whose subscription failed is tried again, in ms. */
const RETRY_MS = 30_000;

/**
 * Subscribes to every store that reports changes. A store that fails is tried again for as long as it takes, while the
 * others report; the call rejects only if all of them fail, because then the caller subscribes again itself. One that does
 * not answer holds up neither this call nor the end of the subscription.
 */
export async function subscribeToAll(
  stores: readonly Store[],
  onChange: OnChange,
  clock: Clock,
): Promise<() => Promise<void>> {
  const subscriptions: Array<{ close: () => Promise<void> }> = [];
  let hasReturned = false;
  let closed = false;

  const subscribe = async (store: Store, index: number): Promise<void> => {
    const close = await store.subscribe?.((change) => {
      const version = change?.version;
      onChange(version === undefined ? {} : { version: formatChainName(index, version) });
    });
    if (close === undefined) return;
    if (closed) await close();
    else subscriptions.push({ close: () => closeInTime(close, clock) });
    // Changes made before the subscription were not reported. A listener that throws is not a lost subscription.
    if (hasReturned && !closed) tryOrUndefined(() => onChange({}));
  };

  const reporting = [...stores.entries()].filter(([, store]) => store.subscribe !== undefined);
  const started = reporting.map(([index, store]) => subscribe(store, index));
  const results = await Promise.allSettled(started.map((work) => waitInTime(work, clock)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined && results.every(({ status }) => status === 'rejected')) throw failed.reason;

  hasReturned = true;
  const retries = reporting.map(([index, store], place) => {
    const again = () => subscribe(store, index);
    const retry = new Resubscriber(again, { clock: systemClock, first: RETRY_MS, last: RETRY_MS });
    started[place]?.catch(() => retry.resubscribe());
    return retry;
  });
  return () => {
    closed = true;
    for (const retry of retries) retry.stop();
    return closeAll(subscriptions);
  };
}
