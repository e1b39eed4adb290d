import { systemClock, waitAtMost, type Clock } from '../core/index.js';

/** The longest wait for something to close, in ms. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Closes every one of `closables`, even when one of them fails to close, and then throws the first error. */
export async function closeAll(closables: ReadonlyArray<{ close?(): Promise<void> }>): Promise<void> {
  const results = await Promise.allSettled(closables.map(async (closable) => closable.close?.()));
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

/** Calls `close`, and stops waiting for it after 2 s: a store of somebody else's may never end. */
export function closeInTime(close: () => Promise<void> | undefined, clock?: Clock): Promise<void> {
  return waitInTime((async () => close())(), clock);
}

/** Settles as `work` does, and resolves after 2 s whatever it does. */
export function waitInTime(work: Promise<void>, clock: Clock = systemClock): Promise<void> {
  return waitAtMost(work, CLOSE_TIMEOUT_MS, clock);
}
