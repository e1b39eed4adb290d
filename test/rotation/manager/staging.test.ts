import { describe, expect, it } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import {
  RingConflictError,
  type KeyRingDocument,
  type RingChange,
  type RingStore,
} from '../../../src/rotation/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { failure, memoryRing, NEW, OLD, THIRD, type MemoryRing } from '../rings.js';
import { ringScene, START, type RingScene } from '../scene.js';

/** A ring in memory with v1 as current. */
async function ready(): Promise<{ scene: RingScene; ring: MemoryRing }> {
  const scene = await ringScene();
  const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
  await scene.manager({ ring }).init(OLD);
  return { scene, ring };
}

/** A store that does something before its read of this number. */
function before(ring: MemoryRing, number: number, act: () => Promise<unknown>): RingStore {
  let reads = 0;
  return {
    ...ring,
    async read(options) {
      if (++reads === number) await act();
      return ring.read(options);
    },
    write: (...args) => ring.write(...args),
  };
}

const conflictAt = (expected: number, found: string): string =>
  `The key ring was changed by another writer: this write was decided on revision ${String(expected)}; ${found}. Read it again and decide anew.`;

describe('a key that is staged while another manager is faster', () => {
  it.each([
    ['after this call began is a conflict', 1, 'RingConflictError', conflictAt(1, 'it is at revision 2')],
    [
      'when this call began is a refusal',
      0,
      'RotationError',
      '`stage` was refused: v2 is pending; promote or revert it first, or use `force` to reject it.',
    ],
  ])('%s', async (_, later, name, message) => {
    const { scene, ring } = await ready();
    const other = scene.manager({ ring, clock: manualClock(START + later) });

    const error = await failure(scene.manager({ ring: before(ring, 1, () => other.stage(NEW)) }).stage(THIRD));

    expect(error).toMatchObject({ name, message });
    expect(Object.keys(ring.ring?.versions ?? {})).toEqual(['v1', 'v2']);
  });
});

describe('the key in use', () => {
  it('is staged once more by force only, e.g. to encrypt it anew', async () => {
    const { scene, ring } = await ready();

    await failure(scene.manager({ ring }).stage(OLD));
    expect(Object.keys(ring.ring?.versions ?? {})).toEqual(['v1']);

    await scene.manager({ ring }).stage(OLD, { force: true });
    expect(ring.ring?.versions['v2']).toMatchObject({ state: 'pending' });
  });

  it('is refused from `generate` too, which is asked again', async () => {
    const { scene, ring } = await ready();
    const keys = [OLD, NEW];
    const ids: string[] = [];
    const manager = scene.manager({
      ring,
      generate({ rotationId }) {
        ids.push(rotationId);
        return Promise.resolve({ key: keys.shift() ?? '' });
      },
    });

    const error = await failure(manager.stage());
    expect(error.message).toMatch(/v1 already, which is in use; let `generate` mint a new one, or use `force`/);
    expect(ring.ring?.versions['v2']).not.toHaveProperty('ciphertext');

    expect(await manager.stage()).toEqual({ version: 'v2' });
    expect(ring.ring?.versions['v2']).toHaveProperty('fingerprint', computeFingerprint(NEW));
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });

  it('can be staged again once another took its place', async () => {
    const { scene, ring } = await ready();
    await scene.manager({ ring }).stage(NEW);
    await scene.manager({ ring }).promote();

    await expect(scene.manager({ ring }).stage(OLD)).resolves.toEqual({ version: 'v3' });
  });
});

describe('a key that shall be minted', () => {
  it.each<[string, (ring: MemoryRing) => void, string]>([
    [
      'was changed',
      (ring) => void (ring.ring = { ...(ring.ring as KeyRingDocument), revision: 3, writeId: 'of another writer' }),
      conflictAt(2, 'it is at revision 3'),
    ],
    ['is gone', (ring) => void (ring.ring = undefined), conflictAt(2, 'it is gone')],
  ])('is not when the ring %s after the intent was written', async (_, change, message) => {
    const { scene, ring } = await ready();
    let minted = 0;
    const generate = () => Promise.resolve({ key: `minted-key-${String(++minted)}000000` });
    const store = before(ring, 2, () => Promise.resolve(change(ring)));

    const error = await failure(scene.manager({ ring: store, generate }).stage());

    expect(error).toMatchObject({ name: 'RingConflictError', provider: 'memory', message });
    expect(minted).toBe(0);
  });

  it('is not while the cipher cannot encrypt, and the ring has no intent then', async () => {
    const { scene, ring } = await ready();
    let minted = 0;
    const cipher = { ...scene.cipher, encrypt: () => Promise.reject(new Error('down')) };
    const generate = () => Promise.resolve({ key: `minted-key-${String(++minted)}000000` });

    const staging = await failure(scene.manager({ ring, cipher, generate }).stage());
    const empty = memoryRing(() => new RingConflictError('Somebody was faster.'));
    const making = await failure(scene.manager({ ring: empty, cipher, generate }).init());

    expect([staging.message, making.message]).toEqual(['down', 'down']);
    expect([minted, ring.ring?.revision, empty.ring]).toEqual([0, 1, undefined]);
  });

  it('is the first of a ring under an id that follows from its name, and no other run takes it for its own', async () => {
    const scene = await ringScene();
    const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
    const ids: string[] = [];
    const generate = ({ rotationId }: { rotationId: string }) => Promise.resolve({ key: (ids.push(rotationId), NEW) });
    await scene.manager({ ring, generate }).init();

    const given = await failure(scene.manager({ ring, generate }).init(OLD));
    const { ring: first } = ring;
    ring.ring = undefined;
    await scene.manager({ ring, generate }).init(OLD);
    const minted = await failure(scene.manager({ ring, generate }).init());

    expect(ids).toEqual(['gold:v1']);
    expect(first?.versions['v1']).toMatchObject({ rotationId: 'gold:v1' });
    expect(ring.ring).not.toHaveProperty('versions.v1.rotationId');
    expect([given.name, minted.name]).toEqual(['RotationError', 'RotationError']);
  });
});

describe('a ring that init finds', () => {
  it('is refused where its first version is gone, and for good where it has another name', async () => {
    const { scene, ring } = await ready();
    const found = ring.ring as KeyRingDocument;
    const { v1 } = found.versions;
    ring.ring = { ...found, current: 'v5', versions: { v5: v1 as NonNullable<typeof v1> } };
    const later = await failure(scene.manager({ ring }).init(OLD));
    ring.ring = { ...found, name: 'silver' };
    const other = await failure(scene.manager({ ring }).init(OLD));

    expect(later).toMatchObject({ name: 'RotationError', step: 'init' });
    expect(other).toMatchObject({ name: 'KeyProviderError', retryable: false });
  });

  it('is made with `metadata` and `signal` as the only options', async () => {
    const scene = await ringScene();

    expect(await failure(scene.manager().init(OLD, { metdata: {} } as never))).toMatchObject({
      message: 'init has no option `metdata`; did you mean `metadata`?',
    });
    await scene.manager().init(OLD, { metadata: {}, signal: new AbortController().signal });
  });
});

describe('a key that the probe refuses', () => {
  const probe = (): Promise<never> => Promise.reject(new Error('401'));

  it('is read as what a write shall follow, each time', async () => {
    const { scene, ring } = await ready();
    const asked: unknown[] = [];
    const store: RingStore = {
      ...ring,
      write: (...args) => ring.write(...args),
      read(options) {
        asked.push(options?.forUpdate);
        return ring.read(options);
      },
    };

    await failure(scene.manager({ ring: store, probe, generate: () => Promise.resolve({ key: NEW }) }).stage());

    expect(ring.ring).toMatchObject({ versions: { v2: { state: 'rejected' } } });
    expect(asked).toEqual([true, true, true]);
  });

  it('stays pending where the caller gave up while it was asked', async () => {
    const { scene, ring } = await ready();
    const giveUp = new AbortController();
    const aborting = (): Promise<never> => {
      giveUp.abort(new Error('given up'));
      return probe();
    };

    const error = await failure(scene.manager({ ring, probe: aborting }).stage(NEW, { signal: giveUp.signal }));

    expect(error.message).toBe('given up');
    expect(ring.ring).toMatchObject({ revision: 2, versions: { v2: { state: 'pending' } } });
  });

  it('is rejected once, and every hook is told of that revision', async () => {
    const { scene, ring } = await ready();
    const told: RingChange[] = [];
    const notify = [(change: RingChange) => Promise.resolve(void told.push(change))];

    await failure(scene.manager({ ring, probe, notify }).stage(NEW));

    expect(ring.ring).toMatchObject({ revision: 3, versions: { v2: { state: 'rejected' } } });
    expect(ring.ring?.versions['v2']).not.toHaveProperty('revertedAt');
    expect(told).toEqual([{ ring: 'gold', step: 'stage', version: 'v2', revision: 3 }]);
  });

  it('is a conflict where an older copy of the ring, which knows no such version, was put back meanwhile', async () => {
    const { scene, ring } = await ready();
    const copy = ring.ring as KeyRingDocument;
    const store = before(ring, 2, () => Promise.resolve(void (ring.ring = copy)));

    const error = await failure(scene.manager({ ring: store, probe }).stage(NEW));

    expect(error).toMatchObject({ name: 'RingConflictError', message: conflictAt(2, 'it is at revision 1') });
    expect(ring.ring).toEqual(copy);
  });

  it('is not written again where somebody else rejected it, and rejected although others write meanwhile', async () => {
    const { scene, ring } = await ready();
    const reverted = await failure(
      scene.manager({ ring, probe: () => scene.manager({ ring }).revert().then(probe) }).stage(NEW),
    );
    const { revision } = ring.ring as KeyRingDocument;
    let left = 3;
    const busy: RingStore = {
      ...ring,
      read: (...args) => ring.read(...args),
      write: (next, ...args) =>
        next.versions['v3']?.state === 'rejected' && left-- > 0
          ? Promise.reject(new RingConflictError('Somebody was faster.'))
          : ring.write(next, ...args),
    };
    const refused = await failure(scene.manager({ ring: busy, probe }).stage(THIRD));

    expect([reverted.message, refused.message]).toEqual([
      '`probe` refused v2; see `cause`.',
      '`probe` refused v3; see `cause`.',
    ]);
    expect(revision).toBe(3);
    expect(ring.ring).toMatchObject({ revision: 5, versions: { v3: { state: 'rejected' } } });
  });
});
