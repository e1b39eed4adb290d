import { isGoldKeyError, KeyProviderError, systemClock } from '../../core/index.js';
import { checkLease } from './check-lease.js';
import type { RingStore } from '../ring/types.js';

/** A lease as a store without leases of its own keeps it. */
export interface LeaseDocument {
  /** `null` once released; the document stays, because fencing numbers must go on growing. */
  readonly holder: string | null;
  readonly fence: number;
  /** Epoch ms, by the clock of whoever holds it. */
  readonly until: number;
}

/** What a lease is made over. */
export interface LeaseStore<Token> {
  /** The lease, if there is one, and what a write that is decided on that has to name. */
  read(): Promise<{ lease: LeaseDocument | undefined; token: Token }>;
  /** A compare-and-swap that rejects with a `RingConflictError`. */
  write(next: LeaseDocument, token: Token): Promise<void>;
}

/** A lease over a document that is compared and swapped. */
export function documentLease<Token>(store: LeaseStore<Token>): NonNullable<RingStore['lease']> {
  return (holder, ttl) =>
    unlessLost(async () => {
      checkLease(holder, ttl);
      const { lease: before, token } = await store.read();
      const now = systemClock.now();
      const held = before !== undefined && before.holder !== null && before.until > now;
      if (held && before.holder !== holder) return undefined;
      const fence = held ? before.fence : (before?.fence ?? 0) + 1;
      await store.write({ holder, fence, until: now + ttl }, token);
      return {
        fence,
        async release() {
          await unlessLost(async () => {
            const { lease: latest, token: last } = await store.read();
            if (latest?.fence !== fence || latest.holder !== holder) return;
            await store.write({ holder: null, fence, until: 0 }, last);
          });
        },
      };
    });
}

/** Holds what was read to being a lease. */
export function leaseFrom<T extends object>(value: T | undefined, store: string): T & LeaseDocument {
  const { holder, fence, until } = (value ?? {}) as Partial<LeaseDocument>;
  if ((holder === null || typeof holder === 'string') && Number.isSafeInteger(fence) && typeof until === 'number') {
    return value as T & LeaseDocument;
  }
  throw new KeyProviderError('The lease beside the key ring is damaged; remove it when no rotation is running.', {
    provider: store,
  });
}

/** Whoever loses the race for a lease does without it. */
async function unlessLost<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isGoldKeyError(error, 'ERR_GOLDKEY_RING_CONFLICT')) return undefined;
    throw error;
  }
}
