import { isGoldKeyError, nodeCrypto, systemClock } from '../../core/index.js';
import { readRing, type RingSource } from './read-ring.js';

const TRIES = 5;

/**
 * Notes in the ring that a client gave up on its staged key, once: from then on nobody uses it. A canary that was started
 * anew since is another one: this client has not tried the key in it.
 */
export async function recordRejection(
  source: RingSource,
  version: string,
  rolloutId: string | undefined,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    const found = await readRing(source, undefined);
    if (found === undefined) return;
    const { ring, token } = found;
    const { rollout, revision } = ring;
    if (rollout?.pending !== version || rollout.id !== rolloutId || rollout.revertedAt !== undefined) return;
    const revertedAt = new Date(systemClock.now()).toISOString();
    const next = {
      ...ring,
      revision: revision + 1,
      writeId: nodeCrypto().randomUUID(),
      rollout: { ...rollout, revertedAt },
    };
    try {
      await source.store.write(next, { revision, token });
      return;
    } catch (error) {
      // A whole fleet may give up in the same second.
      if (tried === TRIES || !isGoldKeyError(error, 'ERR_GOLDKEY_RING_CONFLICT')) throw error;
    }
  }
}
