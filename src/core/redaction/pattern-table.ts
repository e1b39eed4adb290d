import type { GoneForm } from './gone-keys.js';
import { findEnd, HELD_FORMS } from './key-forms.js';
import { GonePattern, HeldPattern, KeyRun, type Pattern } from './patterns.js';
import { finishHash, getGears, HASH_BITS, hashWindow, WINDOW } from './window-hash.js';

/** Number of slots: so many for each entry that little other text meets one. */
const MIN_BITS = 12;
const SLOTS_PER_ENTRY = 16;
/** Largest number of entries of one run with the same hash: only a key that repeats itself has more. */
const MAX_REPEATS = 32;

/** A pattern, and the place in a run at which eight characters with the hash end. */
export interface Entry {
  readonly hash: number;
  readonly pattern: Pattern;
  readonly place: number;
  /** Number of the next entry in the same slot; 0 for none. */
  readonly next: number;
}

/** Room for the end of one form, zeroed after the last. */
const room = new Uint8Array(128);

/** The patterns of all keys, by the hashes at which they are met. */
export class PatternTable {
  /** Number of the first entry of each slot; 0 for none. */
  readonly slots: Uint16Array | Uint32Array;
  readonly #bits: number;
  /** From 1 on. */
  readonly #entries: Array<Entry | undefined> = [undefined];

  constructor(secrets: readonly string[], gone: readonly GoneForm[]) {
    let count = gone.length;
    for (const secret of secrets) count += secret.length + HELD_FORMS.length;
    let bits = MIN_BITS;
    while (bits < HASH_BITS && count * SLOTS_PER_ENTRY > 1 << bits) bits++;
    this.#bits = bits;
    this.slots = count < 1 << HASH_BITS ? new Uint16Array(1 << bits) : new Uint32Array(1 << bits);
    for (const secret of secrets) this.#addSecret(secret);
    room.fill(0);
    for (const form of gone) this.#add(form.hash, new GonePattern(form), 0);
  }

  /** Number of bits by which a rolling hash is shifted to get its slot. */
  get shift(): number {
    return 32 - this.#bits;
  }

  /** Returns the entry of this number. */
  get(number: number): Entry | undefined {
    return this.#entries[number];
  }

  /** Zeroes what was made of the keys. */
  clear(): void {
    for (const entry of this.#entries) entry?.pattern.clear();
  }

  #addSecret(secret: string): void {
    const { plain } = getGears();
    const run = new KeyRun(secret);
    let hash = 0;
    for (let end = 1; end <= secret.length; end++) {
      hash = ((hash << 4) + (plain[secret.charCodeAt(end - 1) & 0xff] as number)) | 0;
      if (end < WINDOW) continue;
      // The last one is met wherever the whole key stands.
      if (end === secret.length || this.#countRepeats(finishHash(hash), run) < MAX_REPEATS)
        this.#add(finishHash(hash), run, end);
    }
    for (const form of HELD_FORMS) {
      const to = findEnd(form, secret);
      const length = form.write(secret, Math.max(0, to - form.tail), to, room);
      if (length >= WINDOW) this.#add(hashWindow(room, length), new HeldPattern(form, secret), 0);
    }
  }

  #add(hash: number, pattern: Pattern, place: number): void {
    const slot = hash >>> (HASH_BITS - this.#bits);
    this.#entries.push({ hash, pattern, place, next: this.slots[slot] as number });
    this.slots[slot] = this.#entries.length - 1;
  }

  #countRepeats(hash: number, pattern: Pattern): number {
    let repeats = 0;
    let entry = this.get(this.slots[hash >>> (HASH_BITS - this.#bits)] as number);
    for (; entry !== undefined; entry = this.get(entry.next)) {
      if (entry.hash === hash && entry.pattern === pattern) repeats++;
    }
    return repeats;
  }
}
