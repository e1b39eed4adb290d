import { truncate, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeyProviderError } from '../../src/index.js';
import { fileRing, KeyRotationManager, RingConflictError, type RingStore } from '../../src/rotation/index.js';
import { manualClock } from '../../src/testing/index.js';
import { PriceDesk } from '../core/helpers.js';
import { bundleChildren } from './stores/file/crash-run.js';
import { host, nextLife } from './fleet.js';
import { failure, memoryRing, NEW, OLD, ringOf, statesOf, THIRD } from './rings.js';
import { NAME, ringScene, START, type RingScene } from './scene.js';

const conflict = (): Error => new RingConflictError('Somebody was faster.');
const keyOf = (index: number): string => `key-of-manager-${String(index).padStart(4, '0')}`;

/** How many of the attempts ended in which way. */
async function tally(work: ReadonlyArray<Promise<unknown>>): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  for (const end of await Promise.allSettled(work)) {
    const name = end.status === 'fulfilled' ? 'done' : (end.reason as Error).name;
    ends[name] = (ends[name] ?? 0) + 1;
  }
  return ends;
}

/** The key that a version of the ring holds. */
async function keyIn(scene: RingScene, store: RingStore, version: string): Promise<string> {
  const found = await store.read();
  const { ciphertext = '' } = found?.ring.versions[version] ?? {};
  return Buffer.from(await scene.cipher.decrypt(ciphertext, { bind: { 'goldkey:ring': NAME } })).toString();
}

describe.each(['file', 'memory'] as const)('20 managers at once over a ring in a %s', (kind) => {
  async function managers(): Promise<{ scene: RingScene; store: RingStore; all: KeyRotationManager[] }> {
    const scene = await ringScene();
    const memory = memoryRing(conflict);
    const store = kind === 'file' ? scene.store : memory;
    const all = Array.from({ length: 20 }, () =>
      scene.manager({ ring: kind === 'file' ? fileRing(scene.path) : memory }),
    );
    return { scene, store, all };
  }

  it('stage 20 keys: one wins, 19 conflict, and the ring holds what the winner was told', async () => {
    const { scene, store, all } = await managers();
    await all[0]?.init(OLD);
    const winners: number[] = [];

    const ends = await tally(
      all.map(async (manager, index) => {
        await manager.stage(keyOf(index));
        winners.push(index);
      }),
    );

    expect(ends).toEqual({ done: 1, RingConflictError: 19 });
    expect((await store.read())?.ring.revision).toBe(2);
    expect(await keyIn(scene, store, 'v2')).toBe(keyOf(winners[0] ?? -1));
  });

  it('make 20 rings of one name: one wins', async () => {
    const { scene, store, all } = await managers();
    const winners: number[] = [];

    const ends = await tally(
      all.map(async (manager, index) => {
        await manager.init(keyOf(index));
        winners.push(index);
      }),
    );

    expect(ends).toEqual({ done: 1, RingConflictError: 19 });
    expect(await keyIn(scene, store, 'v1')).toBe(keyOf(winners[0] ?? -1));
  });

  it('promote one key: one writes, and whoever lost finds it done when it tries again', async () => {
    const { store, all } = await managers();
    await all[0]?.init(OLD);
    await all[0]?.stage(NEW);

    const ends = await tally(all.map((manager) => manager.promote()));
    const again = await tally(all.map((manager) => manager.promote()));

    expect(ends).toEqual({ done: 1, RingConflictError: 19 });
    expect(again).toEqual({ done: 20 });
    expect((await store.read())?.ring.revision).toBe(3);
  });
});

describe('a write whose answer is lost', () => {
  /** Writes, and then says that it did not. */
  const deaf = (store: RingStore, error: () => Error): RingStore => ({
    ...store,
    async write(...args) {
      await store.write(...args);
      throw error();
    },
  });

  it.each([
    ['a timeout', () => new KeyProviderError('No answer came.', { provider: 'redis' })],
    ['a conflict with itself, as a store that retries answers', conflict],
    ['an error of another store', () => new Error('socket hang up')],
  ])('is recognised as done by every step: %s', async (_, error) => {
    const scene = await ringScene();
    const manager = scene.manager({ ring: deaf(scene.store, error), generate: () => Promise.resolve({ key: THIRD }) });

    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.canary(10);
    await manager.promote();
    await manager.revert();
    await manager.retire();
    await manager.stage();

    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'retired', v3: 'pending' });
    expect((await ringOf(scene)).revision).toBe(8);
  });

  it('is a failure when it did not happen, or was somebody else’s', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const down = { ...scene.store, write: () => Promise.reject(new KeyProviderError('Down.', { provider: 'file' })) };
    const beaten: RingStore = {
      ...scene.store,
      async write(ring, expected) {
        await scene.store.write({ ...ring, writeId: 'another' }, expected);
        throw conflict();
      },
    };

    expect(await failure(scene.manager({ ring: down }).stage(NEW))).toMatchObject({ message: 'Down.' });
    expect((await ringOf(scene)).revision).toBe(1);
    expect(await failure(scene.manager({ ring: beaten }).stage(NEW))).toMatchObject({ name: 'RingConflictError' });
  });
});

describe('a ring that is rewritten in place while it is read', () => {
  it('is read again until it is whole', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const whole = await readFile(scene.path, 'utf8');

    await truncate(scene.path, 100);
    const reading = scene.store.read();
    await writeFile(scene.path, whole);

    expect((await reading)?.ring.current).toBe('v1');
  });

  it('fails no call of a client that has a key', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const { calls } = host(scene, new PriceDesk(OLD));
    await calls(1);
    await nextLife(scene);

    await truncate(scene.path, 100);

    expect(await calls(2)).toEqual(['v1', 'v1']);
  });
});

describe('two hosts whose clocks are 50 ms apart', () => {
  it('take a whole rotation in turns, and their clients lose no call', async () => {
    const scene = await ringScene();
    const ahead = manualClock(START + 50);
    const hosts = [scene.manager(), scene.manager({ clock: ahead })] as const;
    const desk = new PriceDesk(OLD, NEW);
    const clients = [host(scene, desk), host(scene, desk, {}, { clock: ahead })];
    const served: string[] = [];
    const call = async (): Promise<void> => {
      for (const { gold } of clients) served.push(await gold.getPrice());
    };

    await hosts[1].init(OLD);
    await call();
    await hosts[0].stage(NEW);
    await hosts[1].canary(100);
    await hosts[0].promote({ overlap: 1_000 });
    await call();
    await Promise.all([scene.clock.advance(999), ahead.advance(999)]);
    const early = await failure(hosts[0].retire());
    await hosts[1].retire().catch(() => undefined);
    await Promise.all([scene.clock.advance(300_000), ahead.advance(300_000)]);
    await call();

    expect(early).toMatchObject({ name: 'RotationError', step: 'retire' });
    expect(new Set(served.slice(-2))).toEqual(new Set(['v2']));
    expect(await statesOf(scene)).toEqual({ v1: 'retired', v2: 'current' });
  });
});

describe('four processes that write one ring at once', () => {
  it('lose no revision and write none twice', { timeout: 60_000 }, async () => {
    const scene = await ringScene();
    const children = await bundleChildren();
    await scene.manager({ clock: undefined }).init(OLD);
    const order = {
      step: 'bump' as const,
      path: scene.path,
      masterKeyFile: scene.masterKeyFile,
      mintFile: join(scene.folder, 'minted'),
      generate: false,
      times: 25,
    };

    const ends = await Promise.all([1, 2, 3, 4].map(() => children.run(order)));
    await children.remove();

    const written = ends.flatMap(({ output }) => [...output.matchAll(/^wrote (\d+) (\S+)$/gm)]);
    const revisions = written.map(([, revision]) => Number(revision)).toSorted((a, b) => a - b);
    expect(ends.map(({ code, output }) => (code === 0 ? 'done' : output))).toEqual(['done', 'done', 'done', 'done']);
    expect(revisions).toEqual(Array.from({ length: 100 }, (_, index) => index + 2));
    const last = written.find(([, revision]) => Number(revision) === 101)?.[2];
    expect(await ringOf(scene)).toMatchObject({ revision: 101, writeId: last });
  });
});
