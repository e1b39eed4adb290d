import { invalidType, KeyProviderError, describeType, type KeyCipher, quote } from '../../core/index.js';
import { checkRing } from './document.js';
import type { RingAccess, RingStore } from './types.js';

/** The checked options that readers and writers of a ring share. */
export interface RingSource {
  readonly store: RingStore;
  readonly name: string;
  readonly ciphers: readonly KeyCipher[];
}

/** A ring as it was read, with the token that its store needs for a write. */
export type ReadRing = NonNullable<Awaited<ReturnType<RingStore['read']>>>;

export function checkRingSource(options: RingAccess): RingSource {
  const store = options.ring as Partial<RingStore> | null | undefined;
  if (typeof store?.read !== 'function' || typeof store.write !== 'function' || typeof store.name !== 'string') {
    throw invalidType(`\`ring\` must be a ring store, such as fileRing(path), got ${describeType(store)}.`);
  }
  const name = checkRingName(options.name);
  const ciphers = [options.cipher].flat() as KeyCipher[];
  if (ciphers.length === 0) throw invalidType('`cipher` must not be empty.');
  for (const cipher of ciphers as Partial<KeyCipher | null>[]) {
    if (typeof cipher?.decrypt === 'function' && typeof cipher.accepts === 'function') continue;
    throw invalidType(
      `\`cipher\` must be a KeyCipher, such as kmsCipher(…) or localCipher(…), got ${describeType(cipher)}.`,
    );
  }
  return { store: store as RingStore, name, ciphers };
}

/** Returns the checked name of a ring. */
export function checkRingName(name: unknown): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/.test(name)) return name;
  throw invalidType('`name` must be 1 to 128 letters, digits, dots, dashes, underscores or slashes.');
}

/** Reads and checks the ring; `forUpdate` before a write. Resolves to `undefined` if the store has none. */
export async function readRing(
  source: RingSource,
  signal: AbortSignal | undefined,
  forUpdate: boolean = false,
): Promise<ReadRing | undefined> {
  const { store, name } = source;
  // A store of another author's may say `null` for nothing.
  const found = (await store.read({ signal, ...(forUpdate && { forUpdate }) })) ?? undefined;
  if (found === undefined) return undefined;
  const ring = checkRing(found.ring, store.name);
  if (ring.name !== name) {
    throw new KeyProviderError(
      `The store holds the key ring ${quote(ring.name)}, not ${quote(name)}: it may be another team's; correct \`ring\` or \`name\`.`,
      { provider: store.name, retryable: !forUpdate },
    );
  }
  return { ring, token: found.token };
}
