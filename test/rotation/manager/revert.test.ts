import { describe, expect, it } from 'vitest';
import { failure, NEW, OLD, ringOf, statesOf, THIRD } from '../rings.js';
import { DAY, ringScene, type RingScene } from '../scene.js';

const refusal = (step: string) => ({ name: 'RotationError', code: 'ERR_GOLDKEY_ROTATION', step });

async function promoted(): Promise<RingScene> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  await scene.manager().stage(NEW);
  await scene.manager().promote();
  return scene;
}

describe('revert of a pending key', () => {
  it('rejects it and ends its canary', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);
    await scene.manager().canary(50);

    await scene.manager().revert();

    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
    expect(await ringOf(scene)).not.toHaveProperty('rollout');
  });

  it('writes nothing when it is run again', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);
    await scene.manager().revert();
    const before = await ringOf(scene);

    await scene.manager().revert();
    await scene.manager().revert({ version: 'v2' });

    expect(await ringOf(scene)).toEqual(before);
  });

  it('does not go back a second step when it is run again: that has to be said', async () => {
    const scene = await promoted();
    await scene.manager().stage(THIRD);
    await scene.manager().revert();
    const before = await ringOf(scene);

    const again = await failure(scene.manager().revert());
    await scene.manager().revert({ version: 'v3' });
    const unchanged = await ringOf(scene);
    await scene.manager().revert({ version: 'v1' });

    expect(again).toMatchObject(refusal('revert'));
    expect(again.message).toMatch(/v3.*`version`.*v1/);
    expect(unchanged).toEqual(before);
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'previous', v3: 'rejected' });
  });

  it('goes back from a promotion that came after it without being told', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.revert();
    await manager.stage(THIRD);
    await manager.promote();

    await manager.revert();

    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected', v3: 'previous' });
  });

  it('drops a key that is still being minted', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const generate = (): Promise<never> => Promise.reject(new Error('The mint is closed.'));
    await failure(scene.manager({ generate }).stage());

    await scene.manager().revert();

    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
  });
});

describe('revert of a promotion', () => {
  it('makes the old key current again without an end, and keeps the other as previous', async () => {
    const scene = await promoted();

    await scene.manager().revert();

    const ring = await ringOf(scene);
    expect(ring).toMatchObject({ current: 'v1', previous: 'v2' });
    expect(ring.versions['v1']).toMatchObject({ state: 'current' });
    expect(ring.versions['v1']).not.toHaveProperty('notAfter');
    expect(ring.versions['v2']).toMatchObject({ state: 'previous' });
    expect(ring.versions['v2']).not.toHaveProperty('notAfter');
  });

  it('writes nothing when it is run again: it does not go forth again', async () => {
    const scene = await promoted();
    await scene.manager().revert();
    const before = await ringOf(scene);

    await scene.manager().revert();
    await scene.manager().revert({ version: 'v1' });

    expect(await ringOf(scene)).toEqual(before);
  });

  it('is refused when there is nothing to go back to', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    expect(await failure(scene.manager().revert())).toMatchObject(refusal('revert'));

    const done = await promoted();
    await done.clock.advance(DAY);
    await done.manager().retire();
    expect(await failure(done.manager().revert())).toMatchObject(refusal('revert'));
  });

  it('may be retired at once, and followed by another key', async () => {
    const scene = await promoted();
    await scene.manager().revert();

    await scene.manager().retire();
    await scene.manager().stage(THIRD);
    await scene.manager().promote();

    expect(await statesOf(scene)).toEqual({ v1: 'previous', v2: 'retired', v3: 'current' });
  });
});

describe('a step that says what it was decided on', () => {
  it('conflicts when the ring is at another revision', async () => {
    const scene = await promoted();
    const { revision } = await scene.manager().status();
    const steps = [
      () => scene.manager().stage(THIRD, { revision: revision - 1 }),
      () => scene.manager().retire({ revision: revision + 1, force: true }),
      () => scene.manager().revert({ revision: revision - 1 }),
      () => scene.manager().promote({ revision: revision - 1 }),
      () => scene.manager().canary(10, { revision: revision - 1 }),
    ];

    for (const step of steps) {
      expect(await failure(step())).toMatchObject({ name: 'RingConflictError', code: 'ERR_GOLDKEY_RING_CONFLICT' });
    }
    expect((await ringOf(scene)).revision).toBe(revision);
  });

  it('is refused when it would be about another version', async () => {
    const scene = await promoted();
    await scene.manager().stage(THIRD);
    const { revision } = await scene.manager().status();

    for (const [step, work] of [
      ['stage', () => scene.manager().stage('fourth-key-44444444', { version: 'v1', force: true })],
      ['canary', () => scene.manager().canary(10, { version: 'v2' })],
      ['promote', () => scene.manager().promote({ version: 'v9', force: true })],
      ['retire', () => scene.manager().retire({ version: 'v2', force: true })],
      ['revert', () => scene.manager().revert({ version: 'v9' })],
    ] as const) {
      expect(await failure(work())).toMatchObject(refusal(step));
    }
    expect((await ringOf(scene)).revision).toBe(revision);
  });

  it('is taken when both are right', async () => {
    const scene = await promoted();
    const { revision } = await scene.manager().status();

    await scene.manager().stage(THIRD, { version: 'v2', revision });
    await scene.manager().canary(10, { version: 'v3', revision: revision + 1 });
    await scene.manager().promote({ version: 'v3', revision: revision + 2, force: true });
    await scene.manager().revert({ version: 'v2', revision: revision + 3 });

    expect(await statesOf(scene)).toEqual({ v1: 'retired', v2: 'current', v3: 'previous' });
  });

  it.each([
    { version: 7 },
    { version: '' },
    { revision: '3' },
    { revision: 1.5 },
    { force: 'no' },
    { signal: {} },
    { forced: true },
  ])('refuses %j as options, by every step', async (options) => {
    const scene = await promoted();
    const wrong = options as object;

    for (const work of [
      () => scene.manager().stage(THIRD, wrong),
      () => scene.manager().canary(10, wrong),
      () => scene.manager().promote(wrong),
      () => scene.manager().retire(wrong),
      () => scene.manager().revert(wrong),
    ]) {
      expect(await failure(work())).toHaveProperty('code', 'ERR_INVALID_ARG_VALUE');
    }
  });
});
