import { describe, expect, it } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import type { RingStore } from '../../../src/rotation/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { failure, NEW, OLD, ringOf, statesOf, THIRD } from '../rings.js';
import { DAY, HOUR, ringScene, type RingScene } from '../scene.js';

const onError = (): void => undefined;
const PLAN = { every: HOUR, jitter: 0, maxAge: 90 * DAY, canary: [10], dwell: HOUR, overlap: DAY, onError };

/** Lets an hour pass, and what it started come to its end: files are as slow as they are. */
async function hours(scene: RingScene, count: number, idle: () => boolean): Promise<void> {
  for (let hour = 0; hour < count; hour++) {
    await scene.clock.advance(HOUR);
    while (!idle()) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A store that says when nobody is using it, and that can be taken down. */
function watched(
  store: RingStore,
): RingStore & { readonly busy: number; down: (() => unknown) | undefined; taken: string[] } {
  const held = new Set<string>();
  const about = {
    ...store,
    busy: 0,
    down: undefined as (() => unknown) | undefined,
    taken: [] as string[],
    async lease(holder: string) {
      about.busy++;
      if (about.down !== undefined) {
        about.busy--;
        throw about.down();
      }
      if (held.size > 0) {
        about.busy--;
        return undefined;
      }
      held.add(holder);
      about.taken.push(holder);
      // Long enough for the other's turn to begin.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      return {
        fence: about.taken.length,
        async release() {
          await Promise.resolve();
          held.delete(holder);
          about.busy--;
        },
      };
    },
  };
  return about;
}

async function scheduled(count: number): Promise<{
  scene: RingScene;
  store: ReturnType<typeof watched>;
  ends: Array<Promise<void>>;
  stop: AbortController;
  ids: string[];
}> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  const store = watched(scene.store);
  const stop = new AbortController();
  const ids: string[] = [];
  const generate = ({ rotationId }: { rotationId: string }) => {
    if (!ids.includes(rotationId)) ids.push(rotationId);
    return Promise.resolve({ key: NEW });
  };
  const ends = Array.from({ length: count }, () =>
    scene.manager({ ring: store, generate }).schedule({ ...PLAN, signal: stop.signal }),
  );
  for (const end of ends) end.catch(() => undefined);
  await hours(scene, 0, () => store.busy === 0);
  return { scene, store, ends, stop, ids };
}

describe('schedule', () => {
  it('has one of two managers act, takes a whole rotation, and ends when it is aborted', async () => {
    const { scene, store, ends, stop, ids } = await scheduled(2);
    while (store.busy > 0) await new Promise((resolve) => setImmediate(resolve));

    await hours(scene, 90 * 24 + 40, () => store.busy === 0);
    stop.abort(new Error('shutting down'));

    expect(await Promise.all(ends)).toEqual([undefined, undefined]);
    expect(ids).toHaveLength(1);
    expect(await statesOf(scene)).toEqual({ v1: 'retired', v2: 'current' });
    // init, intent, stage, canary, promote, retire: nothing was done twice.
    expect((await ringOf(scene)).revision).toBe(6);
    expect(store.taken).toHaveLength(90 * 24 + 41);
  });

  it('rejects after a revert: a person has to look', async () => {
    const { scene, store, ends } = await scheduled(1);
    while (store.busy > 0) await new Promise((resolve) => setImmediate(resolve));
    await scene.manager().stage(THIRD);
    await scene.manager().revert();

    await hours(scene, 1, () => store.busy === 0);

    expect(await failure(ends[0] as Promise<void>)).toMatchObject({
      name: 'RotationError',
      step: 'rotate',
      version: 'v2',
    });
  });

  it('rejects after a revert of a promotion', async () => {
    const { scene, store, ends } = await scheduled(1);
    while (store.busy > 0) await new Promise((resolve) => setImmediate(resolve));
    await scene.manager().stage(THIRD);
    await scene.manager().promote();
    await scene.manager().revert();

    await hours(scene, 1, () => store.busy === 0);

    expect(await failure(ends[0] as Promise<void>)).toMatchObject({
      name: 'RotationError',
      step: 'rotate',
      version: 'v2',
    });
  });

  it.each([
    ['one of ours', () => new KeyProviderError('The store is down.', { provider: 'file' })],
    ['one of another store', () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
  ])('goes on after a turn in which the store was down, with %s', async (_, down) => {
    const { scene, store, ends, stop } = await scheduled(1);
    while (store.busy > 0) await new Promise((resolve) => setImmediate(resolve));
    await scene.manager().stage(THIRD);

    store.down = down;
    await hours(scene, 1, () => store.busy === 0);
    const meanwhile = await ringOf(scene);
    store.down = undefined;
    await hours(scene, 1, () => store.busy === 0);
    stop.abort();

    await ends[0];
    expect([meanwhile.rollout?.percent, (await ringOf(scene)).rollout?.percent]).toEqual([0, 10]);
  });

  it('goes on after turns in which another host’s clock was ahead', async () => {
    const { scene, store, stop } = await scheduled(1);
    while (store.busy > 0) await new Promise((resolve) => setImmediate(resolve));
    await scene.manager({ clock: manualClock(Date.parse('2026-11-22T14:30:00.000Z')) }).stage(THIRD);

    await hours(scene, 2, () => store.busy === 0);
    const meanwhile = await ringOf(scene);
    await hours(scene, 1, () => store.busy === 0);
    stop.abort();

    expect([meanwhile.rollout?.percent, (await ringOf(scene)).rollout?.percent]).toEqual([0, 10]);
  });

  it('goes on after a turn in which the mint was down, with the same id', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.clock.advance(90 * DAY);
    const store = watched(scene.store);
    const stop = new AbortController();
    const ids: string[] = [];
    const generate = ({ rotationId }: { rotationId: string }) => {
      ids.push(rotationId);
      return ids.length === 1 ? Promise.reject(new Error('503')) : Promise.resolve({ key: NEW });
    };
    const end = scene.manager({ ring: store, generate }).schedule({ ...PLAN, signal: stop.signal });
    end.catch(() => undefined);

    while (ids.length === 0 || store.busy > 0) await new Promise((resolve) => setImmediate(resolve));
    await hours(scene, 1, () => store.busy === 0);
    stop.abort();
    await end;

    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });

  it('does nothing when it is aborted before it begins', async () => {
    const scene = await ringScene();

    await scene.manager().schedule({ ...PLAN, signal: AbortSignal.abort() });

    expect(await scene.store.read()).toBeUndefined();
  });

  it.each([
    { every: undefined },
    { every: 0 },
    { every: NaN },
    { maxAge: undefined },
    { maxAge: 0 },
    { jitter: -1 },
    { signal: undefined },
    { signal: {} },
    { canary: [101] },
    { often: 1 },
  ])('refuses %j', async (wrong) => {
    const scene = await ringScene();
    const options = { ...PLAN, signal: AbortSignal.abort(), ...wrong } as never;

    expect((await failure(scene.manager().schedule(options)))['code']).toBe('ERR_INVALID_ARG_VALUE');
  });
});
