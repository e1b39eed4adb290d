import { Resubscriber, systemClock, tryOrUndefined } from '../../core/index.js';
import { closeAll } from '../../util/close-all.js';
import type { Store } from './member.js';
import { formatChainName } from './version-names.js';

/** Receives each change of a key, and its version where the store names it. */
export type OnChange = (change: { version?: string | undefined }) => void;

/** The pause before a store whose subscription failed is tried again, in ms. */
const RETRY_MS = 30_000;

/**
 * Subscribes to every store that reports changes. A store that fails is tried again for as long as it takes, while the
 * others report; the call rejects only if all of them fail, because then the caller subscribes again itself.
 */
export async function subscribeToAll(stores: readonly Store[], onChange: OnChange): Promise<() => Promise<void>> {
  const subscriptions: Array<{ close: () => Promise<void> }> = [];
  let closed = false;

  const subscribe = async (store: Store, index: number): Promise<void> => {
    const close = await store.subscribe?.((change) => {
      const version = change?.version;
      onChange(version === undefined ? {} : { version: formatChainName(index, version) });
    });
    if (close === undefined) return;
    if (closed) await close();
    else subscriptions.push({ close });
  };

  const reporting = [...stores.entries()].filter(([, store]) => store.subscribe !== undefined);
  const results = await Promise.allSettled(reporting.map(([index, store]) => subscribe(store, index)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined && results.every(({ status }) => status === 'rejected')) throw failed.reason;

  const retries = reporting
    .filter((_, place) => results[place]?.status === 'rejected')
    .map(([index, store]) => {
      const subscribeLate = async (): Promise<void> => {
        await subscribe(store, index);
        // Changes made before the subscription were not reported. A listener that throws is not a lost subscription.
        if (!closed) tryOrUndefined(() => onChange({}));
      };
      return new Resubscriber(subscribeLate, { clock: systemClock, first: RETRY_MS, last: RETRY_MS });
    });
  for (const retry of retries) retry.resubscribe();
  return () => {
    closed = true;
    for (const retry of retries) retry.stop();
    return closeAll(subscriptions);
  };
}
