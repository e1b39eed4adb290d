import { describe, expect, it } from 'vitest';
import type { KeyRingDocument, RingVersion } from '../../../src/rotation/index.js';
import { nextStep } from '../../../src/rotation/manager/next-step.js';
import { edit, failure, memoryRing, NEW, OLD, ringOf, statesOf, THIRD } from '../rings.js';
import { DAY, HOUR, ringScene, START, type RingScene } from '../scene.js';

/** Mints one key per id. */
function mint(): { generate: (about: { rotationId: string }) => Promise<{ key: string }>; ids: string[] } {
  const ids: string[] = [];
  return {
    ids,
    generate: ({ rotationId }) => {
      if (!ids.includes(rotationId)) ids.push(rotationId);
      return Promise.resolve({ key: `minted-key-${String(ids.indexOf(rotationId)).padStart(6, '0')}` });
    },
  };
}

/** A client writes that it gave up on the canary. */
async function giveUp(scene: RingScene): Promise<void> {
  const ring = await ringOf(scene);
  const { revision, rollout } = ring;
  if (rollout === undefined) throw new Error('There is no canary.');
  const revertedAt = new Date(scene.clock.now()).toISOString();
  const next = { ...ring, revision: revision + 1, writeId: 'a client', rollout: { ...rollout, revertedAt } };
  await scene.store.write(next, { revision });
}

describe('rotate', () => {
  it('walks through a whole rotation, one step at a time, each when it is due', async () => {
    const scene = await ringScene();
    const { generate } = mint();
    const manager = scene.manager({ generate });
    await manager.init(OLD);
    const plan = { canary: [50, 10], dwell: HOUR, overlap: DAY, maxAge: 90 * DAY };
    const seen: string[] = [];

    for (let hour = 0; hour < 90 * 24 + 40; hour++) {
      const { revision } = await manager.status();
      const after = await manager.rotate(plan);
      if (after.revision !== revision) {
        seen.push(
          `${String(hour)}: ${after.current} ${after.pending ?? '-'} ${String(after.percent)} ${after.previous ?? '-'}`,
        );
      }
      await scene.clock.advance(HOUR);
    }

    // The intent and the staged key are two writes of one step.
    expect(seen).toEqual([
      '2160: v1 v2 0 -',
      '2161: v1 v2 10 -',
      '2162: v1 v2 50 -',
      '2163: v2 - 0 v1',
      '2187: v2 - 0 -',
    ]);
    expect(await statesOf(scene)).toEqual({ v1: 'retired', v2: 'current' });
  });

  it('promotes at once when no canary is asked for', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    await manager.stage(NEW);

    const after = await manager.rotate({ canary: [] });

    expect(after).toMatchObject({ current: 'v2', previous: 'v1', previousUntil: START + DAY });
  });

  it('holds a share for as long as it should, and goes on from one that was set by hand', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.canary(30);

    await scene.clock.advance(HOUR - 1);
    const early = await manager.rotate({ dwell: HOUR });
    await scene.clock.advance(1);
    const due = await manager.rotate({ dwell: HOUR });

    expect([early.percent, due.percent]).toEqual([30, 50]);
  });

  it('does not promote into an overlap that still runs', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.promote();
    await manager.stage(THIRD);

    const waiting = await manager.rotate({ canary: [] });
    await scene.clock.advance(DAY);
    const after = await manager.rotate({ canary: [] });

    expect(waiting).toMatchObject({ current: 'v2', pending: 'v3' });
    expect(after).toMatchObject({ current: 'v3', previous: 'v2' });
  });

  it('does nothing but keep watch when it can mint no key', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.clock.advance(400 * DAY);

    expect(await scene.manager().rotate()).toMatchObject({ revision: 1, current: 'v1' });
  });

  it('finishes an intent that a crash left, however young the current key is', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const { generate, ids } = mint();
    const lost = scene.manager({
      generate: async (about) => {
        await generate(about);
        throw new Error('crashed');
      },
    });
    await failure(lost.stage());

    const after = await scene.manager({ generate }).rotate();

    expect(after).toMatchObject({ pending: 'v2', percent: 0 });
    expect(ids).toHaveLength(1);
  });

  it('stops at a canary that clients gave up on', async () => {
    const scene = await ringScene();
    const manager = scene.manager({ generate: mint().generate });
    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.canary(10);
    await giveUp(scene);
    await scene.clock.advance(DAY);
    const before = await ringOf(scene);

    const error = await failure(manager.rotate());
    const promote = await failure(manager.promote());

    expect(error).toMatchObject({ name: 'RotationError', step: 'rotate', version: 'v2' });
    expect(promote).toMatchObject({ name: 'RotationError', step: 'promote', version: 'v2' });
    expect(await ringOf(scene)).toEqual(before);
  });

  it('stops after a revert of a pending key until a person stages another', async () => {
    const scene = await ringScene();
    const { generate, ids } = mint();
    const manager = scene.manager({ generate });
    await manager.init(OLD);
    await scene.clock.advance(90 * DAY);
    await manager.rotate();
    await manager.revert();

    const error = await failure(manager.rotate());
    expect(error).toMatchObject({ name: 'RotationError', step: 'rotate', version: 'v2' });
    expect(ids).toHaveLength(1);

    await manager.stage();
    expect(await manager.rotate()).toMatchObject({ pending: 'v3', percent: 10 });
  });

  it('stops after a revert of a promotion until a person retires the key that was left', async () => {
    const scene = await ringScene();
    const manager = scene.manager({ generate: mint().generate });
    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.promote();
    await manager.revert();
    await scene.clock.advance(90 * DAY);

    expect(await failure(manager.rotate())).toMatchObject({ name: 'RotationError', step: 'rotate', version: 'v2' });

    await manager.retire();
    expect(await manager.rotate()).toMatchObject({ current: 'v1', pending: 'v3' });
  });

  it.each([
    { canary: [101] },
    { canary: [-1] },
    { canary: [NaN] },
    { canary: 10 },
    { dwell: -1 },
    { overlap: 0 },
    { maxAge: 0 },
    { maxAge: NaN },
    { percent: 10 },
    { signal: {} },
  ])('refuses %j', async (plan) => {
    const scene = await ringScene();
    await scene.manager().init(OLD);

    expect((await failure(scene.manager().rotate(plan as object)))['code']).toBe('ERR_INVALID_ARG_VALUE');
  });
});

describe('isDue', () => {
  it('says whether the current key has reached its age', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);

    await scene.clock.advance(DAY - 1);
    const before = await scene.manager().isDue({ maxAge: DAY });
    await scene.clock.advance(1);

    expect([before, await scene.manager().isDue({ maxAge: DAY })]).toEqual([false, true]);
  });

  it.each([{}, { maxAge: 0 }, { maxAge: '90d' }])('refuses %j', async (options) => {
    const scene = await ringScene();
    await scene.manager().init(OLD);

    expect((await failure(scene.manager().isDue(options as never)))['code']).toBe('ERR_INVALID_ARG_VALUE');
  });
});

describe('status', () => {
  it('tells where each version stands, in the order in which they were made', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    for (let made = 2; made <= 10; made++) await manager.stage(`key-number-${String(made)}00000`, { force: true });
    await scene.clock.advance(HOUR);
    await manager.canary(25);
    // A store may give the versions in any order.
    await edit(scene, (ring) => (ring.versions = Object.fromEntries(Object.entries(ring.versions).toReversed())));

    const status = await manager.status();

    expect(status).toMatchObject({ name: 'gold', revision: 11, current: 'v1', pending: 'v10', percent: 25 });
    expect(status.versions.map(({ version }) => version)).toEqual('v1 v2 v3 v4 v5 v6 v7 v8 v9 v10'.split(' '));
    expect(status.versions.every(({ age }) => age === HOUR)).toBe(true);
    expect(status.versions.every(({ fingerprint }) => /^[0-9a-f]{8}$/.test(fingerprint))).toBe(true);
    expect(new Set(status.versions.map(({ fingerprint }) => fingerprint)).size).toBe(10);
  });

  it('tells of no use where the store keeps no reports of it', async () => {
    const scene = await ringScene();
    const ring = memoryRing(() => new Error('a conflict'));
    const manager = scene.manager({ ring });
    await manager.init(OLD);

    await manager.stage(NEW);
    await manager.promote({ cutover: true });

    const { versions, nextStep: told } = await manager.status();

    const about = ['version', 'state', 'fingerprint', 'age'];
    expect(versions.map((version) => Object.keys(version))).toEqual([about, about]);
    expect(told).toMatch(/^retire: the overlap of v1 is over/);
  });

  it('says in words what is to be done next, and never what would be refused', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    const next = async (): Promise<string> => (await manager.status()).nextStep;
    const word = async (): Promise<string> => /^\w+/.exec(await next())?.[0] ?? '';
    const words: string[] = [];

    await manager.init(OLD);
    words.push(await word());
    await manager.stage(NEW);
    words.push(await word());
    await manager.canary(10);
    words.push(await word());
    await giveUp(scene);
    words.push(await word());
    await manager.canary(10);
    await manager.promote();
    words.push(await word());
    await manager.stage(THIRD);
    await manager.canary(10);
    words.push(await word());
    await manager.promote().catch(() => undefined);
    await scene.clock.advance(DAY);
    words.push(await word());
    await manager.promote();
    await scene.clock.advance(DAY);
    words.push(await word());
    await manager.revert();
    words.push(await word());

    expect(words).toEqual(['nothing', 'canary', 'promote', 'revert', 'wait', 'wait', 'promote', 'retire', 'retire']);
    expect(await next()).toContain('v3 was reverted');
  });

  it('gives the reason for which `rotate` stops, also while an overlap runs', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.promote();
    await manager.stage(THIRD);
    await manager.revert();

    const { nextStep: told } = await manager.status();
    const error = await failure(manager.rotate());

    expect(told).toMatch(/^stage: v3 was reverted at /);
    expect(error.message).toBe(told.replace('stage: ', '`rotate` was refused: '));
  });

  it('says where a canary was given up, and until when the old key is kept', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.canary(10);
    await giveUp(scene);
    const reverted = await manager.status();
    await manager.promote({ force: true, overlap: HOUR });
    const promoted = await manager.status();

    expect(reverted).toMatchObject({ revertedAt: START, pending: 'v2', percent: 10 });
    expect(promoted).toMatchObject({ previous: 'v1', previousUntil: START + HOUR, percent: 0 });
    expect(promoted.revertedAt).toBeUndefined();
  });
});

describe('the next step is said with its reason and the other steps', () => {
  type Work = (scene: RingScene) => Promise<unknown>;
  const init: Work = ({ manager }) => manager().init(OLD);
  const staged: Work = async (scene) => {
    await init(scene);
    await scene.manager().stage(NEW);
  };
  const tried: Work = async (scene) => {
    await staged(scene);
    await scene.manager().canary(12.5);
  };
  const promoted: Work = async (scene) => {
    await staged(scene);
    await scene.manager().promote();
  };
  const minting: Work = async (scene) => {
    await failure(scene.manager({ generate: () => Promise.reject(new Error('crashed')) }).stage());
  };
  const wait: Work = ({ clock }) => clock.advance(DAY);
  const using =
    (...names: string[]): Work =>
    async ({ store }) => {
      for (const [index, instance] of names.entries())
        await store.reportUse?.({ instance, version: 'v1', at: START + DAY - 60_000 + index });
    };

  it.each<[string, Work[], string]>([
    ['on the first day', [init], 'nothing: v1 is in use and 0 days old; `stage` a new key when it is due.'],
    ['after a day', [init, wait], 'nothing: v1 is in use and 1 day old; `stage` a new key when it is due.'],
    ['after two days', [init, wait, wait], 'nothing: v1 is in use and 2 days old; `stage` a new key when it is due.'],
    [
      'where the time cannot be read',
      [init, (scene) => edit(scene, (ring) => void Object.assign(ring.versions['v1'] ?? {}, { createdAt: 'x' }))],
      'nothing: v1 is in use and of unknown age (its `createdAt`); `stage` a new key when it is due.',
    ],
    [
      'while a key is minted',
      [init, minting],
      'stage: v2 was being minted when the last run stopped; run `stage` again to finish it, or `revert` it.',
    ],
    [
      'while a key is minted and an overlap runs',
      [promoted, minting],
      'stage: v3 was being minted when the last run stopped; run `stage` again to finish it, or `revert` it.',
    ],
    [
      'with a key that nobody uses',
      [staged],
      'canary: v2 is staged and no client uses it; try it on a share of the clients, or `promote` it.',
    ],
    [
      'with a key that some use',
      [tried],
      'promote: 12.5 % of the clients try v2 since 2026-11-22T12:00:00.000Z; or raise the `canary`, or `revert` it.',
    ],
    [
      'with a key that clients gave up on',
      [tried, giveUp],
      'revert: clients gave up on v2 at 2026-11-22T12:00:00.000Z; `revert` it, or start another `canary` once it is clear why.',
    ],
    [
      'with a key that was reverted',
      [staged, ({ manager }) => manager().revert()],
      'stage: v2 was reverted at 2026-11-22T12:00:00.000Z, v1 is in use; `stage` another key once it is clear why.',
    ],
    [
      'while an overlap runs',
      [promoted],
      'wait: v1 is kept until 2026-11-23T12:00:00.000Z, then `retire` it; until then `revert` goes back to it.',
    ],
    [
      'with another key, while an overlap runs',
      [promoted, ({ manager }) => manager().stage(THIRD), ({ manager }) => manager().canary(10)],
      'wait: v1 is kept until 2026-11-23T12:00:00.000Z, then `promote` v3; meanwhile 10 % of the clients try it.',
    ],
    [
      'once the overlap is over',
      [promoted, wait],
      'retire: the overlap of v1 is over; check that the price API no longer needs it.',
    ],
    [
      'once the overlap is over, with one that still uses the key',
      [promoted, using('stuck'), wait],
      'wait: stuck used v1 as late as 2026-11-23T11:59:00.000Z; `retire` it once that has moved on.',
    ],
    [
      'once the overlap is over, with two that still use the key',
      [promoted, using('slow', 'stuck'), wait],
      'wait: stuck and 1 other instance used v1 as late as 2026-11-23T11:59:00.001Z; `retire` it once that has moved on.',
    ],
    [
      'once the overlap is over, with three that still use the key',
      [promoted, using('a', 'b', 'c'), wait],
      'wait: c and 2 other instances used v1 as late as 2026-11-23T11:59:00.002Z; `retire` it once that has moved on.',
    ],
    [
      'after a promotion that was reverted',
      [promoted, ({ manager }) => manager().revert()],
      'retire: v2 was reverted at 2026-11-22T12:00:00.000Z, v1 is in use; `retire` it once it is clear why.',
    ],
  ])('%s', async (_, works, text) => {
    const scene = await ringScene();
    for (const work of works) await work(scene);

    expect((await scene.manager().status()).nextStep).toBe(text);
  });

  it('is by a plan when its time has come, to the millisecond', async () => {
    const scene = await ringScene();
    await tried(scene);
    const ring = await ringOf(scene);
    const { rollout: _, ...young } = ring;
    const plan = { canary: [12.5], dwell: HOUR, overlap: undefined, maxAge: DAY };
    const alone = { ...young, versions: { v1: young.versions['v1'] as RingVersion } };
    const after = (share: KeyRingDocument, ms: number): string => nextStep(share, plan, START + ms, undefined).step;

    expect([after(ring, HOUR - 1), after(ring, HOUR)]).toEqual(['wait', 'promote']);
    expect([after(alone, DAY - 1), after(alone, DAY)]).toEqual(['nothing', 'stage']);
  });

  it('is to retire a key that nobody has used for ten minutes', async () => {
    const scene = await ringScene();
    await promoted(scene);
    const ring = await ringOf(scene);
    const now = START + DAY;
    const after = (ms: number): string =>
      nextStep(ring, undefined, now, [{ instance: 'host-1', version: 'v1', at: now - ms }]).step;

    expect([after(599_999), after(600_000)]).toEqual(['wait', 'retire']);
  });

  it('names the share to begin with where no plan does, and only then', async () => {
    const scene = await ringScene();
    await staged(scene);
    const ring = await ringOf(scene);
    const plan = { canary: [25], dwell: 0, overlap: undefined, maxAge: DAY };

    expect(nextStep(ring, undefined, START, undefined)).toMatchObject({ step: 'canary', version: 'v2', percent: 10 });
    expect(nextStep(ring, plan, START, undefined)).toMatchObject({ step: 'canary', version: 'v2', percent: 25 });
    expect(nextStep(ring, { ...plan, canary: [] }, START, undefined)).toEqual({
      step: 'promote',
      version: 'v2',
      reason: expect.stringContaining('v2 is staged') as string,
    });
  });
});
