import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeyProviderError } from '../../../src/index.js';
import { RingConflictError, type RingStore } from '../../../src/rotation/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { failure, memoryRing, NEW, OLD, ringOf, statesOf, THIRD, type MemoryRing } from '../rings.js';
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

  it.each<[object, string]>([
    [{ every: undefined }, '`every` is missing: give it a time in ms, at least 1.'],
    [{ every: 0 }, '`every` must be an integer from 1 to 2147483647, got 0.'],
    [{ every: NaN }, '`every` must be an integer from 1 to 2147483647, got NaN.'],
    [{ maxAge: undefined }, '`maxAge` is missing: give it a time in ms, at least 1.'],
    [{ maxAge: 0 }, '`maxAge` must be an integer from 1 to 9007199254740991, got 0.'],
    [{ jitter: -1 }, '`jitter` must be an integer from 0 to 2147483647, got -1.'],
    [{ signal: undefined }, '`signal` must be an AbortSignal; abort it to end the schedule.'],
    [{ signal: {} }, '`signal` must be an AbortSignal'],
    [{ onError: 'log' }, '`onError` must be a function'],
    [{ canary: [101] }, '`canary[0]` must be from 0 to 100, got 101.'],
    [{ often: 1 }, 'schedule has no option `often`'],
  ])('refuses %j and says what is wrong', async (wrong, message) => {
    const scene = await ringScene();
    const options = { ...PLAN, signal: AbortSignal.abort(), ...wrong } as never;

    const error = await failure(scene.manager().schedule(options));

    expect(error['code']).toBe('ERR_INVALID_ARG_VALUE');
    expect(error.message).toContain(message);
  });
});

/** Lets everything that is under way in memory come to its end, or to a wait for the clock. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A key that is due, in a ring in memory: with no lease unless the test adds one. */
async function due(): Promise<{ scene: RingScene; ring: MemoryRing; stop: AbortController; told: unknown[] }> {
  const scene = await ringScene();
  const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
  await scene.manager({ ring }).init(OLD);
  await scene.clock.advance(90 * DAY);
  return { scene, ring, stop: new AbortController(), told: [] };
}

/** A mint that answers only when its signal aborts. */
function slowMint(): { begun: Promise<void>; generate: (about: { signal: AbortSignal }) => Promise<never> } {
  let begin = (): void => undefined;
  return {
    begun: new Promise((resolve) => (begin = resolve)),
    generate: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('the mint was let go')), { once: true });
        begin();
      }),
  };
}

describe('a turn of a schedule', () => {
  it('is taken over a store that has no leases', async () => {
    const { scene, ring, stop } = await due();
    const generate = () => Promise.resolve({ key: NEW });

    const end = scene.manager({ ring, generate }).schedule({ ...PLAN, signal: stop.signal });
    const staged = vi.waitUntil(() => ring.ring?.versions['v2']?.ciphertext !== undefined, { interval: 1 });
    await Promise.race([staged, end]);
    stop.abort();
    await end;

    expect(ring.ring?.versions).toMatchObject({ v2: { state: 'pending' } });
  });

  it('does not as much as read the ring while another instance has the lease', async () => {
    const { scene, ring, stop } = await due();
    let asked = 0;
    const store: RingStore = {
      ...ring,
      read: (...args) => ring.read(...args),
      lease: () => Promise.resolve(void asked++),
    };
    const { reads } = ring;

    const end = scene.manager({ ring: store }).schedule({ ...PLAN, signal: stop.signal });
    await quiet();
    await scene.clock.advance(HOUR);
    await quiet();
    stop.abort();
    await end;

    expect([asked, ring.reads]).toEqual([2, reads]);
  });

  it('is given up when its lease has expired, which is told, and the next one is taken', async () => {
    const { scene, ring, stop, told } = await due();
    const { begun, generate } = slowMint();
    let turns = 0;
    const options = { ...PLAN, onError: (error: unknown) => void told.push(error), signal: stop.signal };
    const lease = () => Promise.resolve({ fence: ++turns, release: () => Promise.resolve() });

    const manager = scene.manager({ ring: Object.assign(ring, { lease }), generate });
    const end = manager.schedule(options);
    await begun;
    await scene.clock.advance(119_999);
    await quiet();
    const inTime = told.length;
    await scene.clock.advance(1);
    await quiet();
    await scene.clock.advance(HOUR);
    await quiet();
    stop.abort();
    await end;

    expect(inTime).toBe(0);
    expect(told).toEqual([new Error('The lease of this turn has expired.')]);
    expect(turns).toBe(2);
  });

  it('ends at once, and without a failure that would be told, when the schedule is aborted', async () => {
    const { scene, ring, stop, told } = await due();
    const { begun, generate } = slowMint();
    const options = { ...PLAN, onError: (error: unknown) => void told.push(error), signal: stop.signal };

    const end = scene.manager({ ring, generate }).schedule(options);
    await begun;
    stop.abort(new Error('shutting down'));

    expect(await end).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('follows the one before after `every` and a random part of a tenth of it', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(1 - 2 ** -40);
    onTestFinished(() => random.mockRestore());
    const { scene, ring, stop } = await due();
    let turns = 0;
    const lease = () => Promise.resolve(void turns++);
    const options = { ...PLAN, jitter: undefined, signal: stop.signal };

    const end = scene.manager({ ring: Object.assign(ring, { lease }) }).schedule(options);
    await quiet();
    await scene.clock.advance(HOUR + HOUR / 10 - 1);
    await quiet();
    const early = turns;
    await scene.clock.advance(1);
    await quiet();
    stop.abort();
    await end;

    expect([early, turns]).toEqual([1, 2]);
  });

  it('is the last one when the program that made the manager is wrong, as with notes that are none', async () => {
    const { scene, ring, stop, told } = await due();
    const generate = () => Promise.resolve({ key: NEW, metadata: ['a'] as never });
    const options = { ...PLAN, onError: (error: unknown) => void told.push(error), signal: stop.signal };

    const error = await failure(scene.manager({ ring, generate }).schedule(options));

    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(told).toEqual([error]);
  });
});
