import { setTimeout as sleep } from 'node:timers/promises';
import { isGoldKeyError } from 'goldkey';

/** In ms, between two looks at how many calls are due. */
const LOOK = 5;

/**
 * Calls `rate` times a second, each time with another symbol and without waiting for the answer, until `isOver` says so; then
 * waits for what is running. At most `atOnce` calls begin at one moment.
 */
export async function callSteadily(call, { rate, atOnce = Infinity, isOver }) {
  const startedAt = performance.now();
  const running = new Set();
  let count = 0;
  while (!isOver()) {
    const due = Math.floor(((performance.now() - startedAt) * rate) / 1_000);
    for (let left = atOnce; count < due && left > 0; left--) {
      const started = call(`X${String(count++)}`).finally(() => running.delete(started));
      running.add(started);
    }
    await sleep(LOOK);
  }
  await Promise.all(running);
}

/** Returns how a failed call is counted: by goldkey's code, by the status of the answer, or by the code of the network. */
export function codeOf(error) {
  return isGoldKeyError(error) ? error.code : String(error?.status ?? error?.code ?? error);
}
