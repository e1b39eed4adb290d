import { describe, expect, it } from 'vitest';
import type { KeyCipher } from '../../../src/index.js';
import { computeFingerprint } from '../../../src/core/index.js';
import { fromKeyRing, RingConflictError, type KeyRingDocument } from '../../../src/rotation/index.js';
import { serializeRing } from '../../../src/rotation/ring/serialize.js';
import { edit, failure, memoryRing, NEW, OLD, ringOf, statesOf, type MemoryRing } from '../rings.js';
import { CONTEXT, DAY, NAME, ringScene, type RingScene } from '../scene.js';

/** A cipher that is fast, for thousands of rotations. */
const plain: KeyCipher = {
  name: 'local',
  encryptionContext: CONTEXT,
  accepts: () => true,
  encrypt: async (key) => {
    const bytes = typeof key === 'string' ? new TextEncoder().encode(key) : key;
    return {
      // As long as a real one.
      ciphertext: Buffer.concat([Buffer.alloc(100), bytes]).toString('base64'),
      keyId: 'local-0123456789abcdef',
      encryptionContext: CONTEXT,
      fingerprint: computeFingerprint(bytes),
      createdAt: 0,
    };
  },
  decrypt: async (ciphertext) => new Uint8Array(Buffer.from(String(ciphertext), 'base64').subarray(100)),
};

/** Rotates so many times; `after` sees the ring after each rotation. */
async function rotated(
  scene: RingScene,
  times: number,
  after: (ring: KeyRingDocument, rotation: number) => void,
  end: 'retire' | 'revert' = 'retire',
): Promise<MemoryRing> {
  const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
  const manager = scene.manager({ ring, cipher: plain });
  await manager.init(OLD);
  for (let rotation = 1; rotation <= times; rotation++) {
    await manager.stage(`key-number-${String(rotation).padStart(6, '0')}`);
    if (end === 'revert') await manager.revert();
    else {
      await manager.promote({ overlap: DAY });
      await scene.clock.advance(2 * DAY);
      await manager.retire();
    }
    after(ring.ring as KeyRingDocument, rotation);
  }
  return ring;
}

const size = (ring: KeyRingDocument): number => serializeRing(ring, 'test').length;

describe('a ring that is rotated for years', () => {
  it('is no larger after 300 rotations than after 25', async () => {
    const scene = await ringScene();
    const sizes = new Map<number, number>();

    const ring = await rotated(scene, 300, (each, rotation) => void sizes.set(rotation, size(each)));

    // Two digits more in 21 names, and one more in the revision.
    expect((sizes.get(300) ?? 0) - (sizes.get(25) ?? 0)).toBeLessThan(100);
    const { versions, current } = ring.ring as KeyRingDocument;
    expect(current).toBe('v301');
    expect(Object.keys(versions)).toEqual(Array.from({ length: 21 }, (_, index) => `v${String(281 + index)}`));
  });

  it('takes 2,000 rotations without a failure, and gives no name twice', { timeout: 60_000 }, async () => {
    const scene = await ringScene();
    const names = new Set<string>();

    await rotated(scene, 2_000, ({ current }) => void names.add(current));

    expect(names.size).toBe(2_000);
  });

  it('forgets keys that were rejected likewise, and their names stay taken', async () => {
    const scene = await ringScene();

    const ring = await rotated(scene, 60, () => undefined, 'revert');
    await scene.manager({ ring, cipher: plain }).stage(NEW);

    const { versions, current } = ring.ring as KeyRingDocument;
    expect(current).toBe('v1');
    expect(Object.keys(versions)).toEqual([
      'v1',
      ...Array.from({ length: 20 }, (_, index) => `v${String(42 + index)}`),
      'v62',
    ]);
  });

  it('keeps the highest number, although versions with names of another program come after it', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);
    await scene.manager().revert();
    await edit(scene, (ring) => {
      const { v2 } = ring.versions;
      for (let index = 0; index < 30; index++) ring.versions[`zz-${String(index)}`] = { ...v2 } as never;
    });

    for (const key of ['third-key-5555555555', 'fourth-key-444444']) {
      await scene.manager().stage(key);
      await scene.manager().revert();
    }

    const states = await statesOf(scene);
    expect(states).toMatchObject({ v1: 'current', v4: 'rejected' });
    expect(Object.values(states).filter((state) => state === 'rejected')).toHaveLength(21);
    expect(await scene.manager().stage(NEW)).toEqual({ version: 'v5' });
  });

  it('keeps fewer old versions where each has long notes, and says so when nothing is left to fold', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);

    for (let turn = 0; turn < 12; turn++) {
      await manager.stage(`key-number-${String(turn).padStart(6, '0')}`, { metadata: { notes: 'n'.repeat(40_000) } });
      await manager.revert();
    }
    const before = await ringOf(scene);
    const error = await failure(manager.stage(NEW, { metadata: { notes: 'n'.repeat(400_000) } }));

    expect(size(before)).toBeLessThan(200_000);
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
    expect(error.message).toContain('`metadata`');
    expect(await ringOf(scene)).toEqual(before);
  });

  it('serves `current` to a client that is pinned to a version which was folded away', async () => {
    const scene = await ringScene();
    const ring = await rotated(scene, 30, () => undefined);
    const { signal } = new AbortController();
    const pinned = (pinnedVersion: string) => fromKeyRing({ ring, name: NAME, cipher: plain, pinnedVersion });

    expect(ring.ring?.versions).not.toHaveProperty('v2');
    expect(await pinned('v2').load({ stage: 'current', signal })).toMatchObject({ version: 'v31' });
    expect(await pinned('v2').rollout?.({ signal })).toMatchObject({ id: 'retired-pin:v2' });
    // A mistake for `v30`, not a version that was folded away.
    expect(await failure(pinned('v030').load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({
      code: 'ERR_GOLDKEY_NOT_FOUND',
    });
    expect(await failure(pinned('v99').load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({
      code: 'ERR_GOLDKEY_NOT_FOUND',
    });
  });
});
