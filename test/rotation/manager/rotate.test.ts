import { describe, expect, it } from 'vitest';
import { RingConflictError, type KeyRingDocument, type RingStore } from '../../../src/rotation/index.js';
import type { RotationOptions } from '../../../src/rotation/ring/types.js';
import { failure, memoryRing, NEW, OLD, type MemoryRing } from '../rings.js';
import { DAY, HOUR, ringScene, START, type RingScene } from '../scene.js';

interface Due {
  readonly scene: RingScene;
  readonly ring: MemoryRing;
  /** Takes the step that is due, over the ring or a store around it. */
  rotate(signal?: AbortSignal, options?: Partial<RotationOptions>): Promise<unknown>;
}

type Step = 'stage' | 'canary' | 'promote' | 'retire';
const STEPS: readonly Step[] = ['stage', 'canary', 'promote', 'retire'];

/** A ring in memory for which `step` is due. */
async function due(step: Step): Promise<Due> {
  const scene = await ringScene();
  const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
  const generate = () => Promise.resolve({ key: NEW });
  const manager = scene.manager({ ring });
  await manager.init(OLD);
  if (step !== 'stage') await manager.stage(NEW);
  if (step === 'retire') await manager.promote({ cutover: true });
  const plan = { canary: step === 'promote' ? [] : [10], overlap: HOUR, maxAge: step === 'stage' ? 1 : 90 * DAY };
  await scene.clock.advance(1);
  return {
    scene,
    ring,
    rotate: (signal, options) =>
      scene.manager({ ring, generate, ...options }).rotate(signal === undefined ? plan : { ...plan, signal }),
  };
}

/** The store `ring`, with `act` before its read of this number. */
function beforeRead(ring: MemoryRing, number: number, act: () => void): RingStore {
  let reads = 0;
  return {
    ...ring,
    read(options) {
      if (++reads === number) act();
      return ring.read(options);
    },
    write: (...args) => ring.write(...args),
  };
}

describe('the step that rotate takes', () => {
  it.each(STEPS)('is not taken on a ring that was changed after it was decided on: %s', async (step) => {
    const { ring, rotate } = await due(step);
    const store = beforeRead(ring, 2, () => {
      const found = ring.ring as KeyRingDocument;
      ring.ring = { ...found, revision: found.revision + 1, writeId: 'of another writer' };
    });
    const { writes } = ring;

    expect(await failure(rotate(undefined, { ring: store }))).toMatchObject({ name: 'RingConflictError' });
    expect(ring.writes).toBe(writes);
  });

  it.each(STEPS)('has the signal, as have the looks at the ring and at its use before it: %s', async (step) => {
    const { ring, rotate } = await due(step);
    const { signal } = new AbortController();
    const given: string[] = [];
    const note = (what: string, options?: { signal?: AbortSignal | undefined }): void =>
      void given.push(options?.signal === signal ? what : `${what} without the signal`);
    const store: RingStore = {
      ...ring,
      read(options) {
        note('read', options);
        return ring.read(options);
      },
      write(next, expected, options) {
        note('write', options);
        return ring.write(next, expected);
      },
      readUse(options) {
        note('readUse', options);
        return Promise.resolve([]);
      },
    };

    await rotate(signal, { ring: store });

    const byStep = step === 'retire' ? ['read', 'readUse', 'write'] : ['read', 'write'];
    expect(given.slice(0, 2 + byStep.length)).toEqual(['read', 'readUse', ...byStep]);
  });

  it('is a promotion with the overlap of the plan, or of a day', async () => {
    const { scene, rotate } = await due('promote');
    const other = await due('promote');

    expect(await rotate()).toMatchObject({ current: 'v2', previousUntil: START + 1 + HOUR });
    expect(await other.scene.manager({ ring: other.ring }).rotate({ canary: [] })).toMatchObject({
      previousUntil: START + 1 + DAY,
    });
    expect(scene.clock.now()).toBe(START + 1);
  });

  it('is none while the key is young or its overlap runs, though a key could be minted', async () => {
    const { scene, ring } = await due('stage');
    const manager = scene.manager({ ring, generate: () => Promise.resolve({ key: 'minted-key-000001' }) });

    expect(await manager.rotate()).toMatchObject({ revision: 1, current: 'v1' });
    await manager.stage(NEW);
    await manager.promote();
    expect(await manager.rotate()).toMatchObject({ revision: 3, current: 'v2', previous: 'v1', pending: undefined });
  });

  it.each(STEPS)('is told of by its own name: %s', async (step) => {
    const { rotate } = await due(step);
    const told: string[] = [];

    await rotate(undefined, { notify: [(change) => Promise.resolve(void told.push(change.step))] });

    expect(told).toEqual([step]);
  });
});

describe('a ring that is not there', () => {
  it.each(['rotate', 'status', 'isDue'] as const)('is an error of the step that asked for it: %s', async (step) => {
    const scene = await ringScene();
    const manager = scene.manager();
    const asking = {
      rotate: () => manager.rotate(),
      status: () => manager.status(),
      isDue: () => manager.isDue({ maxAge: 1 }),
    };

    expect(await failure(asking[step]())).toMatchObject({
      name: 'RotationError',
      step,
      provider: 'file',
      message: 'There is no key ring `gold` yet; make one with `init`.',
    });
  });
});

describe('an option that there is not', () => {
  it('is refused in the name of the method', async () => {
    const manager = (await ringScene()).manager();

    expect((await failure(manager.rotate({ dwel: 1 } as never))).message).toBe(
      'rotate has no option `dwel`; did you mean `dwell`?',
    );
    expect((await failure(manager.isDue({ maxage: 1 } as never))).message).toBe(
      'isDue has no option `maxage`; did you mean `maxAge`?',
    );
    expect((await failure(manager.isDue({ maxAge: 0 }))).message).toBe(
      '`maxAge` must be an integer from 1 to 9007199254740991, got 0.',
    );
  });
});
