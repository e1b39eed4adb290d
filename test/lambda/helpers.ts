import type { GoldDataClient } from '../../src/index.js';
import type { ManualClock } from '../../src/testing/index.js';

/** Lambda's context of an invocation that starts now. */
export interface Context {
  getRemainingTimeInMillis(): number;
}

/** Returns the context of an invocation that has `ms` from now. */
export function contextOf(clock: ManualClock, ms: number): Context {
  const deadline = clock.now() + ms;
  return { getRemainingTimeInMillis: () => deadline - clock.now() };
}

/** A call that never ends by itself. Resolves to the time on the clock when it timed out. */
export async function timeOut(gold: GoldDataClient<string>, clock: ManualClock): Promise<number> {
  try {
    await gold.withKey(() => new Promise<never>(() => undefined));
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_GOLDKEY_TIMEOUT') return clock.now();
    throw error;
  }
  throw new Error('unreachable');
}

/** Lets what has settled be answered, without moving the clock. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
