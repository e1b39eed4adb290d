import { isGoldKeyError, nodeCrypto, systemClock } from '../../core/index.js';
import { readRing, type ReadRing, type RingSource } from './read-ring.js';
import { isSameWrite } from './serialize.js';
import { withoutOldVersions, type NextRing } from './transitions.js';

/** How often a change that must not be lost is tried against other writers. */
const MAX_ATTEMPTS = 5;

/**
 * Writes `next` if the stored ring is still `from` (`undefined`: there is no ring). A failed write is read back: if its
 * answer was lost, or a store's own retry met it as a conflict, the ring holds its `writeId` and the write succeeded.
 */
export async function writeRing(
  source: RingSource,
  from: ReadRing | undefined,
  next: NextRing,
  signal: AbortSignal | undefined,
): Promise<ReadRing> {
  const expected = from?.ring.revision ?? 0;
  const { randomUUID } = nodeCrypto();
  const { id = randomUUID() } = next;
  const ring = { ...withoutOldVersions(next), revision: expected + 1, id, writeId: randomUUID() };
  try {
    await source.store.write(ring, { revision: expected, token: from?.token }, { signal });
  } catch (error) {
    const stored = await readRing(source, undefined).catch(() => undefined);
    if (stored === undefined || !isSameWrite(stored.ring, ring)) throw error;
    return stored;
  }
  // Without a token: the one in `from` belongs to the ring that was replaced.
  return { ring };
}

/** Runs `work`, which reads and writes the ring, again while other writers are faster. */
export async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isGoldKeyError(error, 'ERR_GOLDKEY_RING_CONFLICT')) throw error;
    }
  }
}

/**
 * Records in the ring that a client gave up on the pending key, so that no client uses it from then on. Does nothing if
 * another client was first, or if another canary has started since: this client has not tried the key in that one.
 */
export async function recordRejection(source: RingSource, version: string, rolloutId?: string): Promise<void> {
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
