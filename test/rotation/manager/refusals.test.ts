import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { KeyCipher } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { edit, failure, NEW, OLD, THIRD } from '../rings.js';
import { HOUR, ringScene, START, type RingScene } from '../scene.js';

type Work = (scene: RingScene) => Promise<unknown>;

const down = (): Promise<never> => Promise.reject(new Error('503'));
const init: Work = ({ manager }) => manager().init(OLD);
const staged: Work = async (scene) => {
  await init(scene);
  await scene.manager().stage(NEW);
};
const promoted: Work = async (scene) => {
  await staged(scene);
  await scene.manager().promote();
};
const minting: Work = async (scene) => {
  await init(scene);
  await failure(scene.manager({ generate: down }).stage());
};
const givenUp: Work = async (scene) => {
  await staged(scene);
  await scene.manager().canary(10);
  await edit(scene, ({ rollout }) => void Object.assign(rollout ?? {}, { revertedAt: '2026-11-22T12:00:00.000Z' }));
};
const rejected: Work = async (scene) => {
  await promoted(scene);
  await scene.manager().stage(THIRD);
  await scene.manager().revert();
};
const ahead: Work = async (scene) => {
  await init(scene);
  await scene.manager({ clock: manualClock(START + HOUR) }).stage(NEW);
};
const timeless: Work = async (scene) => {
  await staged(scene);
  await edit(scene, (ring) => void Object.assign(ring.versions['v2'] ?? {}, { createdAt: 'last week' }));
};
/** A cipher that gives out another key than it was given, or says so of it. */
const faulty = ({ cipher }: RingScene, fault: 'key' | 'fingerprint'): KeyCipher => ({
  ...cipher,
  ...(fault === 'key'
    ? { decrypt: () => Promise.resolve(new TextEncoder().encode(THIRD)) }
    : { encrypt: async (...args) => ({ ...(await cipher.encrypt(...args)), fingerprint: '00000000' }) }),
});

describe('a step that may not be taken says why, and what to do', () => {
  it.each<[string, Work, Work, string]>([
    [
      'init over a ring',
      init,
      ({ manager }) => manager().init(NEW),
      '`init` was refused: the key ring `gold` already exists; `stage` a new key instead.',
    ],
    [
      'init without a key',
      () => Promise.resolve(),
      ({ manager }) => manager().init(),
      '`init` needs a key; pass one, or give the manager `generate`.',
    ],
    [
      'stage without a key',
      init,
      ({ manager }) => manager().stage(),
      '`stage` was refused: it needs a key; pass one, or give the manager `generate`.',
    ],
    [
      'stage without a ring',
      () => Promise.resolve(),
      ({ manager }) => manager().stage(NEW),
      'There is no key ring `gold` yet; make one with `init`.',
    ],
    [
      'stage over a pending key',
      staged,
      ({ manager }) => manager().stage(THIRD),
      '`stage` was refused: v2 is pending; promote or revert it first, or use `force` to reject it.',
    ],
    [
      'stage of the key in use',
      promoted,
      ({ manager }) => manager().stage(NEW),
      '`stage` was refused: this key is v2 already, which is in use; pass a new one, or use `force`.',
    ],
    [
      'stage with a mint that is down',
      init,
      ({ manager }) => manager({ generate: down }).stage(),
      '`generate` failed; see `cause`. Run `stage` again to ask it for the same `rotationId`.',
    ],
    [
      'stage with a probe that refuses',
      init,
      ({ manager }) => manager({ probe: down }).stage(NEW),
      '`probe` refused v2; see `cause`.',
    ],
    [
      'stage with a cipher that gives out another key',
      init,
      (scene) => scene.manager({ cipher: faulty(scene, 'key') }).stage(NEW),
      'The new ciphertext does not decrypt to the same key; nothing was written.',
    ],
    [
      'stage with a cipher that names another fingerprint',
      init,
      (scene) => scene.manager({ cipher: faulty(scene, 'fingerprint') }).stage(NEW),
      'The new ciphertext does not decrypt to the same key; nothing was written.',
    ],
    [
      'stage with the key in its notes',
      init,
      ({ manager }) => manager().stage(NEW, { metadata: { note: NEW } }),
      '`metadata` holds the key, in plaintext or encoded; nothing was written.',
    ],
    [
      'stage with notes that are none',
      init,
      ({ manager }) => manager().stage(NEW, { metadata: ['a'] as never }),
      '`metadata` must be an object of strings, got an array.',
    ],
    [
      'stage with a note that is no text',
      init,
      ({ manager }) => manager().stage(NEW, { metadata: { a: 1 } as never }),
      '`metadata` must be an object of strings.',
    ],
    [
      'canary without a pending key',
      init,
      ({ manager }) => manager().canary(10),
      '`canary` was refused: no key is pending; `stage` one first.',
    ],
    [
      'canary of a key that is being minted',
      minting,
      ({ manager }) => manager().canary(10),
      '`canary` was refused: v2 is still being minted; run `stage` again to finish it.',
    ],
    [
      'canary of another version',
      staged,
      ({ manager }) => manager().canary(10, { version: 'v9' }),
      '`canary` was refused: `version` is "v9", but the step would change v2.',
    ],
    [
      'canary by a clock that is behind',
      ahead,
      ({ manager }) => manager().canary(10),
      '`versions.v2.createdAt` of the key ring `gold` is more than 5 minutes ahead of this clock; check the clocks before `canary`, or use `force`.',
    ],
    [
      'canary of a key whose time cannot be read',
      timeless,
      ({ manager }) => manager().canary(10),
      '`versions.v2.createdAt` of the key ring `gold` is not an ISO 8601 time; check the clocks before `canary`, or use `force`.',
    ],
    [
      'canary with a share above all',
      staged,
      ({ manager }) => manager().canary(101),
      '`percent` must be from 0 to 100, got 101.',
    ],
    [
      'promote with no overlap',
      staged,
      ({ manager }) => manager().promote({ overlap: 0 }),
      '`overlap` must be an integer from 1 to 2147483647, got 0.',
    ],
    [
      'promote with a cutover in words',
      staged,
      ({ manager }) => manager().promote({ cutover: 'yes' as never }),
      '`cutover` must be a boolean, got a value of type string.',
    ],
    [
      'retire after a negative time',
      promoted,
      ({ manager }) => manager().retire({ quiet: -1 }),
      '`quiet` must be an integer from 0 to 2147483647, got -1.',
    ],
    [
      'promote of another version than the one that was promoted',
      promoted,
      ({ manager }) => manager().promote({ version: 'v1' }),
      '`promote` was refused: no key is pending; `stage` one first.',
    ],
    [
      'promote of the current key while another is being minted',
      minting,
      ({ manager }) => manager().promote({ version: 'v1' }),
      '`promote` was refused: v2 is still being minted; run `stage` again to finish it.',
    ],
    [
      'promote of a key that clients gave up on',
      givenUp,
      ({ manager }) => manager().promote(),
      '`promote` was refused: clients gave up on v2 at 2026-11-22T12:00:00.000Z; revert it, start another canary, or use `force`.',
    ],
    [
      'promote while an overlap runs',
      promoted,
      async ({ manager }) => {
        await manager().stage(THIRD);
        await manager().promote();
      },
      '`promote` was refused: v1 is kept until 2026-11-23T12:00:00.000Z; promote v3 after that, or use `force` to retire v1 now.',
    ],
    [
      'promote with a cutover and an overlap',
      staged,
      ({ manager }) => manager().promote({ cutover: true, overlap: HOUR }),
      '`cutover` excludes `overlap`; give one of them.',
    ],
    [
      'retire without a previous version',
      init,
      ({ manager }) => manager().retire(),
      '`retire` was refused: there is no previous version.',
    ],
    [
      'retire of another version, of which there is none',
      async (scene) => {
        await promoted(scene);
        await scene.manager().retire({ force: true });
      },
      ({ manager }) => manager().retire({ version: 'v2' }),
      '`retire` was refused: there is no previous version.',
    ],
    [
      'retire before the overlap is over',
      promoted,
      ({ manager }) => manager().retire(),
      '`retire` was refused: v1 is kept until 2026-11-23T12:00:00.000Z; wait, or use `force`.',
    ],
    [
      'revert with nothing to go back to',
      init,
      ({ manager }) => manager().revert(),
      '`revert` was refused: no key is pending and the previous one is retired; `stage` another key.',
    ],
    [
      'revert to the version that is current',
      promoted,
      ({ manager }) => manager().revert({ version: 'v2' }),
      '`revert` was refused: `version` is "v2", but the step would change v1.',
    ],
    [
      'revert to a version that there never was, after another revert',
      async (scene) => {
        await promoted(scene);
        await scene.manager().revert();
      },
      ({ manager }) => manager().revert({ version: 'v9' }),
      '`revert` was refused: `version` is "v9", but the step would change v2.',
    ],
    [
      'revert of more than one change',
      rejected,
      ({ manager }) => manager().revert(),
      '`revert` was refused: v3 was reverted at 2026-11-22T12:00:00.000Z; to go back from v2 as well, set `version` to v1.',
    ],
  ])('%s', async (_, prepare, work, message) => {
    const scene = await ringScene();
    await prepare(scene);
    const before = await scene.store.read();

    const error = await failure(work(scene));

    expect(error.message).toBe(message);
    if (before !== undefined) expect((await scene.store.read())?.ring.current).toBe(before.ring.current);
  });
});

describe('a ring of another name', () => {
  it('is final to a step, which might write over it, and to the status it may pass', async () => {
    const scene = await ringScene();
    await init(scene);
    await edit(scene, (ring) => void (ring.name = 'silver'));
    const manager = scene.manager();

    expect(await failure(manager.canary(10))).toMatchObject({ name: 'KeyProviderError', retryable: false });
    expect(await failure(manager.status())).toMatchObject({ name: 'KeyProviderError', retryable: true });
  });
});

describe('a step that goes on in spite of a clock', () => {
  it('warns once, of the first version, with what to do', async () => {
    const scene = await ringScene();
    await ahead(scene);
    const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => spy.mockRestore());

    await scene.manager().canary(10, { force: true });

    expect(spy.mock.calls).toEqual([
      [
        '`versions.v2.createdAt` of the key ring `gold` is more than 5 minutes ahead of this clock; `canary` goes on because of `force`; check the clocks.',
        { type: 'GoldKeyWarning', code: 'GOLDKEY_CLOCK_SKEW' },
      ],
    ]);
  });
});

describe('a step whose clock is behind by five minutes', () => {
  it.each([
    [300_000, 'canary'],
    [300_001, 'RotationError'],
  ])('is taken, and by more it is not: %d ms', async (ms, end) => {
    const scene = await ringScene();
    await init(scene);
    await scene.manager({ clock: manualClock(START + ms) }).stage(NEW);

    const done = scene
      .manager()
      .canary(10)
      .then(
        () => 'canary',
        (error: Error) => error.name,
      );

    expect(await done).toBe(end);
  });
});
