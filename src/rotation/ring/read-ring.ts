import { invalidType, KeyNotFoundError, KeyProviderError, describeType, type KeyCipher } from '../../core/index.js';
import { checkRing } from './document.js';
import type { KeyRingDocument, RingStore } from './types.js';

/** What a ring's readers and writers have in common. */
export interface RingSource {
  readonly store: RingStore;
  readonly name: string;
  readonly ciphers: readonly KeyCipher[];
}

/** A ring as it was read, with what the store wants back for a write. */
export interface ReadRing {
  readonly ring: KeyRingDocument;
  readonly token?: unknown;
}

/** Holds `ring`, `name` and `cipher` to their types. */
export function ringSource(options: {
  ring: RingStore;
  name: string;
  cipher: KeyCipher | readonly KeyCipher[];
}): RingSource {
  const store = options.ring as Partial<RingStore> | null | undefined;
  if (typeof store?.read !== 'function' || typeof store.write !== 'function' || typeof store.name !== 'string') {
    throw invalidType(`\`ring\` must be a ring store, such as fileRing(path), got ${describeType(store)}.`);
  }
  const { name } = options;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/.test(name)) {
    throw invalidType('`name` must be 1 to 128 letters, digits, dots, dashes, underscores or slashes.');
  }
  const ciphers = Array.isArray(options.cipher)
    ? [...(options.cipher as readonly KeyCipher[])]
    : [options.cipher as KeyCipher];
  if (ciphers.length === 0) throw invalidType('`cipher` must not be empty.');
  for (const cipher of ciphers as Partial<KeyCipher | null>[]) {
    if (typeof cipher?.decrypt === 'function' && typeof cipher.accepts === 'function') continue;
    throw invalidType(
      `\`cipher\` must be a KeyCipher, such as kmsCipher(…) or localCipher(…), got ${describeType(cipher)}.`,
    );
  }
  return { store: store as RingStore, name, ciphers };
}

/** Reads and checks the ring; `undefined` when there is none. */
export async function readRing(source: RingSource, signal: AbortSignal | undefined): Promise<ReadRing | undefined> {
  const { store, name } = source;
  const found = await store.read({ signal });
  if (found === undefined) return undefined;
  const ring = checkRing(found.ring, store.name);
  if (ring.name !== name) {
    throw new KeyProviderError(
      `The key ring is another one: its name is \`${ring.name}\`, and \`name\` says \`${name}\`.`,
      { provider: store.name },
    );
  }
  return { ring, token: found.token };
}

/** The answer to a reader that finds no ring. It may be back: a key in use serves on meanwhile. */
export function noRing({ store, name }: RingSource): KeyNotFoundError {
  return new KeyNotFoundError(`There is no key ring \`${name}\` in the store; make one with \`init\`.`, {
    provider: store.name,
    retryable: true,
  });
}
