import { readFile, writeFile } from 'node:fs/promises';
import type { KeyRingDocument, RingStore, RingVersion } from '../../src/rotation/index.js';
import type { RingScene } from './scene.js';

export const OLD = 'old-key-0123456789';
export const NEW = 'new-key-9876543210';
export const THIRD = 'third-key-5555555555';

/** A document whose fields a test may change. */
export type Draft = { -readonly [K in keyof KeyRingDocument]: KeyRingDocument[K] } & {
  versions: Record<string, RingVersion>;
};

/** The error that `work` rejects with; fulfilling is a failure of the test. */
export async function failure(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('It was expected to reject.');
}

/** What `work` comes to while the clock goes on; files are as slow as they are. */
export async function onClock<T>({ clock }: Pick<RingScene, 'clock'>, work: Promise<T>): Promise<T> {
  const ended = work.then(
    () => true,
    () => true,
  );
  for (let turn = 0; turn < 20_000; turn++) {
    if (await Promise.race([ended, clock.advance(50)])) return work;
  }
  throw new Error('It still waits after a quarter of an hour.');
}

/** The ring as it is stored. */
export async function ringOf({ store }: Pick<RingScene, 'store'>): Promise<KeyRingDocument> {
  const found = await store.read();
  if (found === undefined) throw new Error('There is no ring.');
  return found.ring;
}

/** The states of a ring's versions, by name. */
export async function statesOf(scene: Pick<RingScene, 'store'>): Promise<Record<string, string>> {
  const { versions } = await ringOf(scene);
  return Object.fromEntries(Object.entries(versions).map(([name, { state }]) => [name, state]));
}

/** Changes the ring behind everybody's back, as an editor does. */
export async function edit({ path }: Pick<RingScene, 'path'>, change: (ring: Draft) => void): Promise<void> {
  const ring = JSON.parse(await readFile(path, 'utf8')) as Draft;
  change(ring);
  await writeFile(path, `${JSON.stringify(ring, undefined, 2)}\n`);
}

/** A store in memory: strongly consistent, and as fast as a promise. */
export interface MemoryRing extends RingStore {
  ring: KeyRingDocument | undefined;
  reads: number;
  writes: number;
}

export function memoryRing(conflict: () => Error, name = 'memory'): MemoryRing {
  const store: MemoryRing = {
    name,
    ring: undefined,
    reads: 0,
    writes: 0,
    async read() {
      store.reads++;
      await Promise.resolve();
      return store.ring === undefined ? undefined : { ring: structuredClone(store.ring) };
    },
    async write(ring, { revision }) {
      await Promise.resolve();
      if ((store.ring?.revision ?? 0) !== revision) throw conflict();
      store.writes++;
      store.ring = structuredClone(ring);
    },
  };
  return store;
}
