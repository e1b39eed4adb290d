import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { timeLimits } from '../../src/core/index.js';
import { withGoldKey } from '../../src/lambda/index.js';
import { setUp } from '../core/helpers.js';
import { contextOf, timeOut, turn, type Context } from './helpers.js';

/** Whether AsyncLocalStorage is on, which makes every promise of the process slower. */
const usesStorage = (): boolean => timeLimits.findOwn !== undefined;

afterEach(() => {
  expect(timeLimits).toEqual({ shared: undefined, findOwn: undefined });
});

describe('invocations one after the other', () => {
  it('need no AsyncLocalStorage', async () => {
    const { gold, clock } = setUp();
    const seen: boolean[] = [];
    const handler = withGoldKey(gold, async (_event: object, _context: Context) => {
      await turn();
      seen.push(usesStorage());
    });

    for (let count = 0; count < 3; count++) await handler({}, contextOf(clock, 1_000));

    expect(seen).toEqual([false, false, false]);
  });
});

describe('invocations side by side', () => {
  /** A handler whose call never ends; it tells after how many ms that timed out. `pause` comes before the call. */
  const setUpHandler = (pause: () => Promise<unknown> = async () => undefined) => {
    const stage = setUp({ timeout: 60_000 });
    const { gold, clock } = stage;
    const startedAt = clock.now();
    const handler = withGoldKey(gold, async (_event: unknown, _context: Context) => {
      await pause();
      return (await timeOut(gold, clock)) - startedAt;
    });
    return { ...stage, handler, startedAt };
  };
  const LEFT = [4_000, 9_000, 2_000, 30_000, 700, 8_000, 3_000, 5_000];

  it.each([
    ['at once', async () => undefined],
    ['after a promise', async () => Promise.resolve()],
    ['after a task', turn],
    ['after a timer', async () => new Promise((resolve) => setTimeout(resolve, 1))],
  ])('each limit their own calls, which start %s', async (_, pause) => {
    const { gold, clock, handler } = setUpHandler(pause);
    await gold.prefetch();

    const ended = LEFT.map(async (left) => handler({}, contextOf(clock, left)));
    expect(usesStorage()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let waited = 0; waited < 30_000; waited += 100) await clock.advance(100);

    expect(await Promise.all(ended)).toEqual(LEFT.map((left) => left - 500));
  });

  it('may start while others run, end before them, and come again', async () => {
    const { gold, clock, handler, startedAt } = setUpHandler(turn);
    await gold.prefetch();

    const ends: Array<Promise<number>> = [];
    const due: number[] = [];
    for (let count = 0; count < 40; count++) {
      const left = 600 + ((count * 7_919) % 3_000);
      due.push(clock.now() + left - 500 - startedAt);
      ends.push(handler({}, contextOf(clock, left)));
      await turn();
      await turn();
      for (let waited = 0; waited < 100; waited += 1) await clock.advance(1);
    }
    for (let waited = 0; waited < 4_000; waited += 1) await clock.advance(1);

    expect(await Promise.all(ends)).toEqual(due);
  });

  it('limit nothing of one that has no time of its own', async () => {
    const { gold, clock, handler, startedAt } = setUpHandler(turn);
    const free = withGoldKey(gold, async (_event: unknown, _context?: object) => {
      await turn();
      return (await timeOut(gold, clock)) - startedAt;
    });
    await gold.prefetch();

    const ends = [free({}), handler({}, contextOf(clock, 2_000)), free({}, {}), handler({}, contextOf(clock, 3_000))];
    await turn();
    await turn();
    for (let waited = 0; waited < 60_000; waited += 500) await clock.advance(500);

    expect(await Promise.all(ends)).toEqual([60_000, 1_500, 60_000, 2_500]);
  });

  it('leave what they left behind unlimited, also while others run', async () => {
    const { gold, clock, handler, startedAt } = setUpHandler(turn);
    await gold.prefetch();
    let goOn = (): void => undefined;
    let leftBehind: Promise<number> | undefined;
    const leaving = withGoldKey(gold, async (_event: object, _context: Context) => {
      leftBehind = new Promise<void>((resolve) => (goOn = resolve)).then(() => timeOut(gold, clock));
    });

    const running = handler({}, contextOf(clock, 2_000));
    await leaving({}, contextOf(clock, 900));
    const another = handler({}, contextOf(clock, 5_000));
    goOn();
    await turn();
    for (let waited = 0; waited < 60_000; waited += 500) await clock.advance(500);

    expect([await running, await another, ((await leftBehind) as number) - startedAt]).toEqual([1_500, 4_500, 60_000]);
  });

  it('cost nothing more once they are over', async () => {
    const { gold, clock, handler } = setUpHandler();
    await gold.prefetch();
    const switchOff = vi.spyOn(AsyncLocalStorage.prototype, 'disable');
    const ends = [handler({}, contextOf(clock, 900)), handler({}, contextOf(clock, 1_000))];
    for (let waited = 0; waited < 500; waited += 50) await clock.advance(50);
    await Promise.all(ends);

    const seen = withGoldKey(gold, async (_event: object, _context: Context) => usesStorage());

    expect(await seen({}, contextOf(clock, 1_000))).toBe(false);
    expect(switchOff).toHaveBeenCalledOnce();
    switchOff.mockRestore();
  });

  it('are not held up by one that hangs: once its time is over, the next takes its place', async () => {
    const { gold, clock } = setUp();
    let release = (): void => undefined;
    const hanging = withGoldKey(gold, async (_event: object, _context: Context) => {
      await new Promise<void>((resolve) => (release = resolve));
    });
    const seeing = withGoldKey(gold, async (_event: object, _context: Context) => usesStorage());
    const hung = hanging({}, contextOf(clock, 1_000));

    const beside = await seeing({}, contextOf(clock, 1_000));
    await clock.advance(1_000);
    const after = await seeing({}, contextOf(clock, 1_000));
    release();
    await hung;

    expect([beside, after]).toEqual([true, false]);
  });
});

describe('a wrapper inside another', () => {
  it.each([
    ['the inner one keeps more', { margin: 200 }, { margin: 900 }, [1_100, 1_800]],
    ['the outer one keeps more', { margin: 900 }, { margin: 200 }, [1_100, 1_101]],
  ])('has the smaller time left: %s', async (_, outer, inner, expected) => {
    const { gold, clock } = setUp();
    await gold.prefetch();
    const startedAt = clock.now();
    const measure = async (): Promise<number> => (await timeOut(gold, clock)) - startedAt;
    const innerHandler = withGoldKey(gold, async (_event: object, _context: Context) => measure(), inner);
    const outerHandler = withGoldKey(
      gold,
      async (event: object, context: Context) => {
        await turn();
        const first = await innerHandler(event, context);
        // The call after the inner one has the outer one's time.
        return [first, await measure(), usesStorage()];
      },
      outer,
    );

    const ended = outerHandler({}, contextOf(clock, 2_000));
    await turn();
    for (let waited = 0; waited < 2_000; waited += 1) await clock.advance(1);

    expect(await ended).toEqual([...expected, false]);
  });

  it('has it also by a context of its own, and side by side with others', async () => {
    const { gold, clock } = setUp({ timeout: 60_000 });
    await gold.prefetch();
    const startedAt = clock.now();
    const innerHandler = withGoldKey(gold, async (_event: object, _context: Context) => {
      await turn();
      return (await timeOut(gold, clock)) - startedAt;
    });
    const outerHandler = withGoldKey(gold, async (event: object, _context: Context) =>
      Promise.all([innerHandler(event, contextOf(clock, 40_000)), innerHandler(event, contextOf(clock, 900))]),
    );

    const ended = [2_000, 3_000].map(async (left) => outerHandler({}, contextOf(clock, left)));
    await turn();
    await turn();
    for (let waited = 0; waited < 4_000; waited += 10) await clock.advance(10);

    expect(await Promise.all(ended)).toEqual([
      [1_500, 400],
      [2_500, 400],
    ]);
  });
});
