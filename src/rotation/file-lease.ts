import { isGoldKeyError, KeyProviderError, nodeCrypto, systemClock } from '../core/index.js';
import { ClaimedFile, type Stamp } from './claimed-file.js';
import { FILE } from './file-name.js';
import type { RingStore } from './types.js';

interface Lease extends Stamp {
  /** `null` once released; the file stays, because fencing numbers must go on growing. */
  readonly holder: string | null;
  readonly fence: number;
  readonly until: number;
}

/** A lease in a file beside the ring, by the wall clock of whoever uses it. */
export function fileLease(path: string): NonNullable<RingStore['lease']> {
  const file = new ClaimedFile(path, parseLease);
  const write = (lease: Omit<Lease, 'revision' | 'writeId'>, before: Lease | undefined): Promise<void> => {
    const expected = before?.revision ?? 0;
    const next = { ...lease, revision: expected + 1, writeId: nodeCrypto().randomUUID() };
    return file.replace(`${JSON.stringify(next)}\n`, next, expected);
  };
  const unlessLost = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (isGoldKeyError(error, 'ERR_GOLDKEY_RING_CONFLICT')) return undefined;
      throw error;
    }
  };
  return (holder, ttl) =>
    unlessLost(async () => {
      const before = await file.read();
      const now = systemClock.now();
      const held = before !== undefined && before.holder !== null && before.until > now;
      if (held && before.holder !== holder) return undefined;
      const fence = held ? before.fence : (before?.fence ?? 0) + 1;
      await write({ holder, fence, until: now + ttl }, before);
      return {
        fence,
        async release() {
          await unlessLost(async () => {
            const latest = await file.read();
            if (latest?.fence === fence && latest.holder === holder)
              await write({ holder: null, fence, until: 0 }, latest);
          });
        },
      };
    });
}

function parseLease(text: string): Lease {
  try {
    const lease = JSON.parse(text) as Lease;
    if (Number.isSafeInteger(lease.revision) && Number.isSafeInteger(lease.fence) && typeof lease.until === 'number') {
      return lease;
    }
  } catch {
    // Told below: what was read need not be a lease at all.
  }
  throw new KeyProviderError(
    'The lease beside the key ring is damaged; remove that file when no rotation is running.',
    {
      provider: FILE,
    },
  );
}
