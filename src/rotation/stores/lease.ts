import {
  checkInteger,
  checkString,
  invalidType,
  KeyProviderError,
  nodeCrypto,
  systemClock,
  tryOrUndefined,
} from '../../core/index.js';
import type { RingStore } from '../ring/types.js';
import type { TextSlot } from './text-slot.js';

/** A lease as its slot stores it, as JSON. */
export interface LeaseDocument {
  /** `null` once released. The document stays, because fencing numbers must go on growing. */
  readonly holder: string | null;
  /** The fencing number: one more for each new holder. */
  readonly fence: number;
  /** Epoch ms, by the holder's clock. */
  readonly until: number;
  /** One more for each write. */
  readonly revision: number;
  /** Random per write, so that no two writes have the same text. */
  readonly writeId: string;
}

/** Returns the `lease` of a ring store over `slot`; `name` is the store's name in errors. */
export function createLease<Token>(name: string, slot: TextSlot<Token>): NonNullable<RingStore['lease']> {
  const readSlot = async () => {
    const { text, token } = await slot.read(undefined, true);
    return { lease: text === undefined ? undefined : parseLease(text, name), token };
  };
  const writeSlot = async (
    fields: Pick<LeaseDocument, 'holder' | 'fence' | 'until'>,
    before: LeaseDocument | undefined,
    token: Token,
  ): Promise<boolean> => {
    const stamp = { revision: (before?.revision ?? 0) + 1, writeId: nodeCrypto().randomUUID() };
    const text = JSON.stringify({ ...fields, ...stamp });
    return (await slot.swap(text, token)) || (await slot.read(undefined, true)).text === text;
  };
  return async (holder, ttl) => {
    checkLease(holder, ttl);
    const { lease: before, token } = await readSlot();
    const now = systemClock.now();
    const isHeld = before !== undefined && before.holder !== null && before.until > now;
    if (isHeld && before.holder !== holder) return undefined;
    const fence = (before?.fence ?? 0) + (isHeld ? 0 : 1);
    if (!(await writeSlot({ holder, fence, until: now + ttl }, before, token))) return undefined;
    return {
      fence,
      async release() {
        const { lease: latest, token: last } = await readSlot();
        if (latest?.fence !== fence || latest.holder !== holder) return;
        // If this swap fails, a new write has come first and decides.
        await writeSlot({ holder: null, fence, until: 0 }, latest, last);
      },
    };
  };
}

/** Throws unless `holder` is a name and `ttl` a whole number of milliseconds from 1. */
export function checkLease(holder: unknown, ttl: unknown): void {
  checkString('holder', holder);
  if (ttl === undefined) throw invalidType('`ttl` is required, in milliseconds.');
  checkInteger('ttl', ttl, 1, 1);
}

/** Returns the lease in `text`, checked. Throws a `KeyProviderError` if it is damaged. */
export function parseLease(text: string, store: string): LeaseDocument {
  const lease = tryOrUndefined(() => JSON.parse(text) as LeaseDocument | null) ?? undefined;
  const isWhole =
    (lease?.holder === null || typeof lease?.holder === 'string') &&
    Number.isSafeInteger(lease.fence) &&
    typeof lease.until === 'number' &&
    Number.isSafeInteger(lease.revision);
  if (isWhole) return lease;
  throw new KeyProviderError(
    'The lease beside the key ring is damaged: it must have `holder`, `fence`, `until` and `revision`. Remove it when no rotation is running.',
    { provider: store },
  );
}
