import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { manualClock } from '../../../src/testing/index.js';
import { edit, failure, NEW, OLD, ringOf, statesOf } from '../rings.js';
import { DAY, ringScene, START, type RingScene } from '../scene.js';

const MINUTE = 60_000;

/** v1 is current, and v2 pending, made by a manager whose clock is ahead. */
async function aheadBy(ms: number): Promise<RingScene> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  await scene.manager({ clock: manualClock(START + ms) }).stage(NEW);
  return scene;
}

/** The warnings of goldkey from now on. */
function warnings(): string[] {
  const seen: string[] = [];
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((warning, options) => {
    seen.push(`${String((options as { code?: string }).code)}: ${String(warning)}`);
  });
  onTestFinished(() => spy.mockRestore());
  return seen;
}

describe.each([
  ['10 minutes', 10 * MINUTE],
  ['6 minutes', 6 * MINUTE],
  ['40 years', 40 * 365 * DAY],
])('a manager whose clock was ahead by %s', (_, ms) => {
  it('keeps nobody from reading', async () => {
    const manager = (await aheadBy(ms)).manager();

    expect(await manager.status()).toMatchObject({ current: 'v1', pending: 'v2' });
    expect(await manager.isDue({ maxAge: DAY })).toBe(false);
    expect((await manager.status()).versions.map(({ age }) => age)).toEqual([0, 0]);
  });

  it('keeps nobody from going back', async () => {
    const scene = await aheadBy(ms);
    const seen = warnings();

    await scene.manager().revert();

    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
    expect(seen).toEqual([]);
  });

  it('has the others refuse to write, and say what to do', async () => {
    const scene = await aheadBy(ms);
    const before = await ringOf(scene);
    const manager = scene.manager();

    for (const step of [
      () => manager.stage('third-key-5555555555'),
      () => manager.canary(10),
      () => manager.promote(),
      () => manager.retire(),
      () => manager.rotate({ canary: [10] }),
    ]) {
      const error = await failure(step());
      expect(error).toMatchObject({ name: 'RotationError', version: 'v2', retryable: true });
      expect(error.message).toMatch(/more than 5 minutes ahead.*`force`/);
    }
    expect(await ringOf(scene)).toEqual(before);
  });

  it('has them go on with `force`, and warn', async () => {
    const scene = await aheadBy(ms);
    const manager = scene.manager();
    const seen = warnings();

    await manager.canary(10, { force: true });
    await manager.promote({ force: true });
    await manager.retire({ force: true });
    await manager.stage('third-key-5555555555', { force: true });

    expect(await statesOf(scene)).toEqual({ v1: 'retired', v2: 'current', v3: 'pending' });
    expect(seen).toHaveLength(4);
    expect(seen[1]).toMatch(/^GOLDKEY_CLOCK_SKEW: `versions.v2.createdAt`.*`promote` goes on/);
  });
});

describe('a `createdAt` that is no time', () => {
  it('is read past, refused for good by steps, and overruled by `force`', async () => {
    const scene = await aheadBy(0);
    await edit(scene, (ring) => void Object.assign(ring.versions['v1'] ?? {}, { createdAt: 'last week' }));
    const manager = scene.manager();
    const seen = warnings();

    expect(await manager.status()).toMatchObject({ current: 'v1' });
    expect(await failure(manager.canary(10))).toMatchObject({ name: 'RotationError', version: 'v1', retryable: false });
    await manager.canary(10, { force: true });
    await manager.revert();

    expect(seen).toHaveLength(1);
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
  });
});

describe('a current version whose `createdAt` is no time', () => {
  it('is due, so that a schedule tells of it instead of keeping the key for ever', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await edit(scene, (ring) => void Object.assign(ring.versions['v1'] ?? {}, { createdAt: '' }));
    const manager = scene.manager({ generate: () => Promise.resolve({ key: NEW }) });

    expect(await manager.isDue({ maxAge: 365 * DAY })).toBe(true);
    expect(await manager.status()).toMatchObject({
      nextStep: expect.stringMatching(/^nothing: v1 is in use and of unknown age/) as unknown,
      versions: [{ age: Infinity }],
    });
    const error = await failure(manager.rotate());
    expect(error).toMatchObject({ name: 'RotationError', version: 'v1' });
    expect(error.message).toContain('`versions.v1.createdAt`');
    await manager.stage(undefined, { force: true });
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });
});

describe('a clock that is 4 minutes ahead', () => {
  it('hinders no step', async () => {
    const scene = await aheadBy(4 * MINUTE);

    await scene.manager().canary(10);

    expect((await ringOf(scene)).rollout?.percent).toBe(10);
  });
});
