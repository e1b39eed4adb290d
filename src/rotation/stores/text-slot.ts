import { conflict } from '../../core/index.js';
import { parseRing } from '../ring/document.js';
import { isSameWrite, serializeRing } from '../ring/serialize.js';
import type { RingStore } from '../ring/types.js';

/** A place for one text with compare-and-swap. A ring and its lease each have one. */
export interface TextSlot<Token> {
  /**
   * Reads the latest text, `undefined` if there is none, and the token that a swap decided on it has to pass. `forUpdate`:
   * whether a swap shall follow, so that an obstacle is final.
   */
  read(
    signal?: AbortSignal,
    forUpdate?: boolean,
  ): Promise<{ readonly text: string | undefined; readonly token: Token }>;
  /**
   * Replaces the text if it is still the one that was read with `token`. Resolves to `false` if it is another one, which
   * may be `text` itself: a request whose answer was lost is sent again.
   */
  swap(text: string, token: Token, signal?: AbortSignal): Promise<boolean>;
}

/** Returns the `read` and `write` of a ring store over `slot`; `name` is the store's name in errors. */
export function createRingAccess<Token>(name: string, slot: TextSlot<Token>): Pick<RingStore, 'read' | 'write'> {
  const readSlot = async (signal: AbortSignal | undefined, forUpdate: boolean) => {
    const { text, token } = await slot.read(signal, forUpdate);
    const ring = text === undefined ? undefined : parseRing(text, name);
    return { ring, revision: ring?.revision ?? 0, token };
  };
  return {
    async read({ signal, forUpdate = false } = {}) {
      const { ring, token } = await readSlot(signal, forUpdate);
      return ring === undefined ? undefined : { ring, token };
    },
    async write(ring, expected, { signal } = {}) {
      signal?.throwIfAborted();
      const text = serializeRing(ring, name);
      const before = await readSlot(signal, true);
      if (isSameWrite(before.ring, ring)) return;
      // A ring edited by hand keeps its revision, so the token is compared as well.
      const isSameToken = expected.token === undefined || expected.token === before.token;
      if (before.revision !== expected.revision || !isSameToken) {
        throw conflict(name, expected.revision, before.revision);
      }
      if (await slot.swap(text, before.token, signal)) return;
      const after = await readSlot(signal, true);
      if (!isSameWrite(after.ring, ring)) throw conflict(name, expected.revision, after.revision);
    },
  };
}
