import { describe, expect, it } from 'vitest';
import type { KeyRotationManager, RingStore } from '../../../src/rotation/index.js';
import { failure, NEW, OLD, ringOf, statesOf, THIRD } from '../rings.js';
import { DAY, HOUR, ringScene, START, type RingScene } from '../scene.js';

/** A ring at the point where a step may be taken, or not. */
async function at(point: 'init' | 'staged' | 'promoted' | 'reverted'): Promise<{
  scene: RingScene;
  manager: KeyRotationManager;
}> {
  const scene = await ringScene();
  const manager = scene.manager();
  await manager.init(OLD);
  if (point !== 'init') await manager.stage(NEW);
  if (point === 'promoted' || point === 'reverted') await manager.promote();
  if (point === 'reverted') await manager.revert();
  return { scene, manager };
}

const refusal = (step: string) => ({ name: 'RotationError', code: 'ERR_GOLDKEY_ROTATION', step, retryable: false });

describe('init', () => {
  it('makes version v1 of a ring at revision 1, current at once and without the key', async () => {
    const scene = await ringScene();

    const made = await scene.manager().init(OLD, { metadata: { ticket: 'OPS-1' } });

    const ring = await ringOf(scene);
    expect(made).toEqual({ version: 'v1' });
    expect(ring).toMatchObject({ format: 'goldkey/1', name: 'gold', revision: 1, current: 'v1' });
    expect(ring.versions['v1']).toMatchObject({
      state: 'current',
      metadata: { ticket: 'OPS-1' },
      createdAt: new Date(START).toISOString(),
      encryptionContext: { service: 'gold-data-stream', 'goldkey:ring': 'gold' },
    });
    expect(JSON.stringify(ring)).not.toContain(OLD);
  });

  it('writes nothing when it is run again with the same key, and is refused with another', async () => {
    const { scene, manager } = await at('init');
    const before = await ringOf(scene);

    const again = await manager.init(OLD);
    const other = await failure(manager.init(NEW));

    expect(again).toEqual({ version: 'v1' });
    expect(other).toMatchObject(refusal('init'));
    expect(await ringOf(scene)).toEqual(before);
  });

  it('is refused once the ring has gone on, also with the first key', async () => {
    const { manager } = await at('staged');

    expect(await failure(manager.init(OLD))).toMatchObject(refusal('init'));
  });
});

describe('stage', () => {
  it('adds a pending version that nobody uses yet', async () => {
    const { scene, manager } = await at('init');

    const made = await manager.stage(NEW, { metadata: { ticket: 'OPS-2' } });

    const ring = await ringOf(scene);
    expect(made).toEqual({ version: 'v2' });
    expect(ring).toMatchObject({ revision: 2, current: 'v1', rollout: { pending: 'v2', percent: 0 } });
    expect(ring.versions['v2']).toMatchObject({ state: 'pending', metadata: { ticket: 'OPS-2' } });
  });

  it('writes nothing when it is run again with the same key', async () => {
    const { scene, manager } = await at('staged');
    const before = await ringOf(scene);

    const again = await manager.stage(NEW);

    expect(again).toEqual({ version: 'v2' });
    expect(await ringOf(scene)).toEqual(before);
  });

  it('is refused while another key is pending; `force` rejects that one and uses a new name', async () => {
    const { scene, manager } = await at('staged');

    const refused = await failure(manager.stage(THIRD));
    const forced = await manager.stage(THIRD, { force: true });

    expect(refused).toMatchObject({ ...refusal('stage'), version: 'v2' });
    expect(forced).toEqual({ version: 'v3' });
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected', v3: 'pending' });
    expect((await ringOf(scene)).rollout?.pending).toBe('v3');
  });

  it('uses no name twice, also after versions were rejected', async () => {
    const { manager } = await at('staged');
    await manager.revert();

    expect(await manager.stage(NEW)).toEqual({ version: 'v3' });
  });

  it('needs a ring, and a key or a way to mint one', async () => {
    const scene = await ringScene();

    expect(await failure(scene.manager().stage(NEW))).toMatchObject(refusal('stage'));
    await scene.manager().init(OLD);
    expect(await failure(scene.manager().stage())).toMatchObject(refusal('stage'));
  });
});

describe('canary', () => {
  it('sets the share, going on with the same canary as it is raised', async () => {
    const { scene, manager } = await at('staged');

    await manager.canary(10);
    const first = await ringOf(scene);
    await manager.canary(50);

    const second = await ringOf(scene);
    expect([first.rollout?.percent, second.rollout?.percent]).toEqual([10, 50]);
    expect(second.rollout?.id).toBe(first.rollout?.id);
  });

  it('writes nothing when it is run again with the same share', async () => {
    const { scene, manager } = await at('staged');
    await manager.canary(10);
    const before = await ringOf(scene);

    await manager.canary(10);

    expect(await ringOf(scene)).toEqual(before);
  });

  it('is another canary, with nobody out of it, after one that was reverted or set to 0', async () => {
    const { scene, manager } = await at('staged');
    await manager.canary(10);
    const { ring } = (await scene.store.read()) as { ring: Awaited<ReturnType<typeof ringOf>> };
    const rollout = {
      ...(ring.rollout as NonNullable<typeof ring.rollout>),
      revertedAt: new Date(START).toISOString(),
    };
    await scene.store.write({ ...ring, revision: ring.revision + 1, writeId: 'a client', rollout }, ring);

    await manager.canary(10);
    const afterRevert = (await ringOf(scene)).rollout;
    await manager.canary(0);
    await manager.canary(10);
    const afterZero = (await ringOf(scene)).rollout;

    expect(afterRevert).toMatchObject({ percent: 10 });
    expect(afterRevert).not.toHaveProperty('revertedAt');
    expect(new Set([rollout.id, afterRevert?.id, afterZero?.id]).size).toBe(3);
  });

  it('is refused when no key is pending', async () => {
    const { manager } = await at('promoted');

    expect(await failure(manager.canary(10))).toMatchObject(refusal('canary'));
  });

  it.each([101, -1, NaN, Infinity, '10', undefined])(
    'refuses a share of %s before it reads anything',
    async (percent) => {
      const scene = await ringScene();

      const error = await failure(scene.manager().canary(percent as number));

      expect(error['code']).toBe('ERR_INVALID_ARG_VALUE');
    },
  );
});

describe('promote', () => {
  it('makes the pending key current and keeps the old one for the overlap', async () => {
    const { scene, manager } = await at('staged');

    await manager.promote({ overlap: HOUR });

    const ring = await ringOf(scene);
    expect(ring).toMatchObject({ current: 'v2', previous: 'v1' });
    expect(ring).not.toHaveProperty('rollout');
    expect(ring.versions['v1']).toMatchObject({ state: 'previous', notAfter: new Date(START + HOUR).toISOString() });
    expect(ring.versions['v1']?.ciphertext).toBeDefined();
  });

  it('keeps the old key for a day unless it is told otherwise, and for no time at a cutover', async () => {
    const day = await at('promoted');
    const cut = await at('staged');

    await cut.manager.promote({ cutover: true });

    expect((await day.manager.status()).previousUntil).toBe(START + DAY);
    expect((await cut.manager.status()).previousUntil).toBe(START);
    await cut.manager.retire();
    expect(await statesOf(cut.scene)).toEqual({ v1: 'retired', v2: 'current' });
  });

  it('writes nothing when it is run again', async () => {
    const { scene, manager } = await at('promoted');
    const before = await ringOf(scene);

    await manager.promote();
    await manager.promote({ version: 'v2' });
    await manager.retire({ force: true });
    const retired = await ringOf(scene);
    await manager.promote({ version: 'v2' });

    expect(before).toMatchObject({ revision: 3 });
    expect(retired).toMatchObject({ revision: 4 });
    expect(await ringOf(scene)).toEqual(retired);
  });

  it('is refused when the key that was staged since was rejected: nothing was promoted', async () => {
    const { scene, manager } = await at('promoted');
    const probe = (): Promise<never> => Promise.reject(new Error('401'));
    await failure(scene.manager({ probe }).stage(THIRD));

    expect(await failure(manager.promote())).toMatchObject(refusal('promote'));
  });

  it('is refused without a pending key, and after a revert', async () => {
    expect(await failure((await at('init')).manager.promote())).toMatchObject(refusal('promote'));
    expect(await failure((await at('reverted')).manager.promote())).toMatchObject(refusal('promote'));
  });

  it('is refused while an earlier overlap runs; `force` ends that one', async () => {
    const { scene, manager } = await at('promoted');
    await manager.stage(THIRD);

    const refused = await failure(manager.promote());
    await manager.promote({ force: true });

    expect(refused).toMatchObject(refusal('promote'));
    expect(await statesOf(scene)).toEqual({ v1: 'retired', v2: 'previous', v3: 'current' });
    expect((await ringOf(scene)).versions['v1']).not.toHaveProperty('ciphertext');
  });

  it('follows an overlap that is over without `force`', async () => {
    const { scene, manager } = await at('promoted');
    await scene.clock.advance(DAY);
    await manager.stage(THIRD);

    await manager.promote();

    expect(await statesOf(scene)).toEqual({ v1: 'retired', v2: 'previous', v3: 'current' });
  });

  it.each([{ overlap: 0 }, { overlap: -1 }, { overlap: 1.5 }, { cutover: true, overlap: 1 }, { cutover: 'yes' }])(
    'refuses %j as options',
    async (options) => {
      const { manager } = await at('staged');

      expect((await failure(manager.promote(options as object)))['code']).toBe('ERR_INVALID_ARG_VALUE');
    },
  );
});

describe('retire', () => {
  it('removes the old ciphertext once the overlap is over, and keeps what is known of the version', async () => {
    const { scene, manager } = await at('promoted');

    const early = await failure(manager.retire());
    await scene.clock.advance(DAY);
    await manager.retire();

    const ring = await ringOf(scene);
    expect(early).toMatchObject({ ...refusal('retire'), version: 'v1' });
    expect(ring).not.toHaveProperty('previous');
    expect(ring.versions['v1']).toMatchObject({ state: 'retired', createdAt: new Date(START).toISOString() });
    expect(ring.versions['v1']?.fingerprint).toMatch(/^[0-9a-f]{8}$/);
    expect(ring.versions['v1']).not.toHaveProperty('ciphertext');
  });

  it('ends the overlap early with `force`, and writes nothing when it is run again', async () => {
    const { scene, manager } = await at('promoted');
    await manager.retire({ force: true });
    const before = await ringOf(scene);

    await manager.retire();
    await manager.retire({ version: 'v1' });

    expect(await ringOf(scene)).toEqual(before);
  });

  it('is refused when there never was a previous version', async () => {
    const { manager } = await at('staged');

    expect(await failure(manager.retire({ force: true }))).toMatchObject(refusal('retire'));
  });
});

describe('every step', () => {
  it('reads the ring as what its write shall follow, and the status as what anybody reads', async () => {
    const { scene } = await at('staged');
    const asked: unknown[] = [];
    const ring: RingStore = {
      ...scene.store,
      read(options) {
        asked.push(options?.forUpdate === true);
        return scene.store.read(options);
      },
    };
    const manager = scene.manager({ ring });

    await manager.canary(10);
    await manager.promote();
    await manager.revert();
    await manager.retire();
    await manager.status();

    expect(asked).toEqual([true, true, true, true, false]);
  });
});
