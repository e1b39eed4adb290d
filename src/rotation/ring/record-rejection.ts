import { systemClock } from '../../core/index.js';
import { readRing, type RingSource } from './read-ring.js';
import { retryConflicts, writeRing } from './write-ring.js';

/**
 * Records in the ring that a client gave up on the pending key, so that no client uses it from then on. Does nothing if
 * another client was first, or if another canary has started since: this client has not tried the key in that one.
 */
export async function recordRejection(
  source: RingSource,
  version: string,
  rolloutId: string | undefined,
): Promise<void> {
  // A whole fleet may give up in the same second.
  await retryConflicts(async () => {
    const found = await readRing(source, undefined);
    if (found === undefined) return;
    const { rollout } = found.ring;
    if (rollout?.pending !== version || rollout.id !== rolloutId || rollout.revertedAt !== undefined) return;
    const revertedAt = new Date(systemClock.now()).toISOString();
    await writeRing(source, found, { ...found.ring, rollout: { ...rollout, revertedAt } }, undefined);
  });
}
