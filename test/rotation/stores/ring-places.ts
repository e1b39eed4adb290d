import { inspect } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import type { KeyRingDocument, RingStore } from '../../../src/rotation/ring/types.js';
import { CIPHERTEXT } from './sample-ring.js';

/** A fresh place for one ring. */
export interface RingPlace {
  /** A store on it, as another host would open it. */
  open(): RingStore;
  /** Replaces the stored text, behind the stores' backs. */
  spoil(text: string): Promise<void>;
  /** The stored text; `undefined` when there is none. */
  stored(): Promise<string | undefined>;
  cleanUp?(): Promise<void>;
}

/** How many race in the tests about races. */
export const RACERS = 20;

/** Opens a fresh place, with so many hosts on it, for the test that runs. */
export interface Hosts {
  many(count: number): Promise<{ place: RingPlace; stores: RingStore[] }>;
  one(): Promise<{ place: RingPlace; store: RingStore }>;
  two(): Promise<{ place: RingPlace; store: RingStore; other: RingStore }>;
}

/** Every place and store is closed with its test. */
export function hostsOn(create: () => Promise<RingPlace>): Hosts {
  const many = async (count: number): Promise<{ place: RingPlace; stores: RingStore[] }> => {
    const place = await create();
    const stores = Array.from({ length: count }, () => place.open());
    onTestFinished(async () => {
      for (const store of stores) await store.close?.();
      await place.cleanUp?.();
    });
    return { place, stores };
  };
  return {
    many,
    async one() {
      const { place, stores } = await many(1);
      return { place, store: stores[0] as RingStore };
    },
    async two() {
      const { place, stores } = await many(2);
      return { place, store: stores[0] as RingStore, other: stores[1] as RingStore };
    },
  };
}

/** A write as a manager makes it: decided on what was just read. */
export async function write(store: RingStore, ring: KeyRingDocument): Promise<void> {
  const { token } = (await store.read()) ?? {};
  await store.write(ring, { revision: ring.revision - 1, token });
}

/** The error that a promise rejects with. */
export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => {
      throw new Error('It should have failed.');
    },
    (error: unknown) => error,
  );

/** No ciphertext in anything that a log might show of a value. */
export function expectNoCiphertext(value: unknown): void {
  const shown = inspect(value, { depth: 20, showHidden: true, getters: true, maxStringLength: null });
  expect(shown).not.toContain(CIPHERTEXT);
  expect(shown).not.toContain(CIPHERTEXT.slice(0, 20));
}
