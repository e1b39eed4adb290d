import type { Clock } from '../types.js';

/** Settles as `work` does, and resolves after `ms` whatever it does: what closes may belong to others, and never end. */
export async function waitAtMost(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  let timer: { cancel(): void } | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, ms);
  });
  await Promise.race([work, late]).finally(() => timer?.cancel());
}
