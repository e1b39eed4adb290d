import { getEventListeners, once } from 'node:events';
import { mock } from 'node:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { afterTurn, delay, getFreshUntil, getRequestClock, systemClock } from '../../../src/core/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { pendingTimersOf, watch } from '../scene.js';

const CLOCK_MODULE = '../../../src/core/util/clock.js';
const { setTimeout, clearTimeout } = globalThis;

afterEach(() => {
  vi.useRealTimers();
  mock.timers.reset();
  Object.assign(globalThis, { setTimeout, clearTimeout });
  vi.resetModules();
});

/** Waits until the real timers of up to `ms` that stand now have rung, whatever became of `setTimeout`. */
const realTime = (ms: number): Promise<unknown> => once(AbortSignal.timeout(ms), 'abort');

const countTimersThatHold = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

/** How many more timers hold the process with each of three: told not to hold it, told to, and told nothing. */
function countHeldBy(clock: typeof systemClock): number[] {
  const before = countTimersThatHold();
  const timers = [{ unref: true }, { unref: false }, undefined].map((options) => {
    const timer = clock.setTimeout(() => undefined, 60_000, options);
    return { timer, held: countTimersThatHold() - before };
  });
  for (const { timer } of timers) timer.cancel();
  return timers.map(({ held }) => held);
}

/** Loads goldkey's clock anew, under the timers that are there now. */
async function loadClock(): Promise<typeof systemClock> {
  vi.resetModules();
  return ((await import(CLOCK_MODULE)) as { systemClock: typeof systemClock }).systemClock;
}

describe('a pause', () => {
  it('ends after its time on the clock, not before, and leaves no listener', async () => {
    const clock = manualClock();
    const { signal } = new AbortController();
    const pauses = [watch(clock, delay(clock, 100)), watch(clock, delay(clock, 100, signal))];
    const during = getEventListeners(signal, 'abort').length;
    await clock.advance(99);
    const before = pauses.map(({ state }) => state);
    await clock.advance(1);

    expect(before).toEqual(['pending', 'pending']);
    expect(pauses.map(({ state }) => state)).toEqual(['resolved', 'resolved']);
    expect([during, getEventListeners(signal, 'abort').length]).toEqual([1, 0]);
  });

  it('ends with the reason of its signal when that aborts, and leaves no timer', async () => {
    const clock = manualClock();
    const pending = pendingTimersOf(clock);
    const controller = new AbortController();
    const pause = watch(clock, delay(clock, 100, controller.signal));
    const during = pending.size;
    controller.abort('enough');
    await clock.advance(0);

    expect(pause.error).toBe('enough');
    expect([during, pending.size]).toEqual([1, 0]);
  });

  it('does not begin once its signal has aborted', async () => {
    const clock = manualClock();
    const pending = pendingTimersOf(clock);
    const signal = AbortSignal.abort('enough');
    await expect(delay(clock, 100, signal)).rejects.toBe('enough');

    expect(pending.size).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('a request that the core did not make', () => {
  it('runs on the system’s clock, and says nothing of a key that is still fresh', () => {
    expect(getRequestClock({ stage: 'current' })).toBe(systemClock);
    expect(getFreshUntil({ stage: 'current' })).toBeUndefined();
  });
});

describe('a request by another copy of the package', () => {
  it('tells its clock, and how long its key is fresh', () => {
    const clock = manualClock();
    const request = { [Symbol.for('goldkey.clock')]: clock, [Symbol.for('goldkey.freshUntil')]: 5 };
    expect([getRequestClock(request), getFreshUntil(request)]).toEqual([clock, 5]);
  });
});

describe('the system’s wall clock', () => {
  it('is `Date`, also a test runner’s', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
    expect(systemClock.now()).toBe(1_700_000_000_000);
  });
});

describe('a timer of the system’s clock', () => {
  it('rings, or not once it is cancelled', async () => {
    const rung: string[] = [];
    systemClock.setTimeout(() => rung.push('left'), 1);
    systemClock.setTimeout(() => rung.push('cancelled'), 1).cancel();
    await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, 1));

    expect(rung).toEqual(['left']);
  });

  it('does not ring once it is cancelled under fake timers that came since', async () => {
    const rung: string[] = [];
    const timer = systemClock.setTimeout(() => rung.push('cancelled'), 1);
    // Node.js's own clear no timer but theirs.
    mock.timers.enable({ apis: ['setTimeout'] });
    timer.cancel();
    mock.timers.reset();
    await new Promise((resolve) => setTimeout(resolve, 1));

    expect(rung).toEqual([]);
  });

  it('holds the process, unless it is told not to', () => {
    const before = countTimersThatHold();

    expect(countHeldBy(systemClock)).toEqual([0, 1, 2]);
    expect(countTimersThatHold()).toBe(before);
  });

  it('holds the process, unless it is told not to, also where goldkey was loaded under fake timers', async () => {
    vi.useFakeTimers();
    const loaded = await loadClock();
    vi.useRealTimers();

    expect(countHeldBy(loaded)).toEqual([0, 1, 2]);
  });

  it.each(['clock', '_isMockFunction'])(
    'rings by real time where goldkey was loaded under timers that never ring, known by their `%s`',
    async (mark) => {
      const dead = (): object => ({});
      Object.assign(globalThis, { setTimeout: Object.assign(dead, { [mark]: true }), clearTimeout: () => undefined });
      const loaded = await loadClock();

      await new Promise<void>((resolve) => void loaded.setTimeout(resolve, 1, { unref: true }));
    },
  );
});

describe('a timer of the system’s clock under fake timers', () => {
  it('rings once, though both they and real time reach its moment', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let rings = 0;
    for (const ms of [0, 1]) systemClock.setTimeout(() => rings++, ms);
    vi.advanceTimersByTime(1);
    const byTheirs = rings;
    await realTime(1);

    expect([byTheirs, rings]).toEqual([2, 2]);
    systemClock.setTimeout(() => rings++, 1);
    await realTime(1);
    vi.advanceTimersByTime(1);
    expect(rings).toBe(3);
  });

  it('rings in neither time once it is cancelled', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let rings = 0;
    systemClock.setTimeout(() => rings++, 1).cancel();
    vi.advanceTimersByTime(1);
    await realTime(1);

    expect(rings).toBe(0);
  });

  it('may have any length: a part of a millisecond, less than none, more than Node.js can wait', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const rung: number[] = [];
    const timers = [0.5, -1, 2 ** 31, 2 ** 40].map((ms) => systemClock.setTimeout(() => rung.push(ms), ms));
    await realTime(1);
    await realTime(1);
    for (const timer of timers) timer.cancel();

    expect(rung.toSorted((a, b) => a - b)).toEqual([-1, 0.5]);
  });
});

describe('the monotonic clock', () => {
  it('goes on where it was when a test runner takes `hrtime` over, and when it gives it back', () => {
    const before = systemClock.monotonic();
    vi.useFakeTimers({ toFake: ['hrtime'] });
    const taken = systemClock.monotonic();
    vi.advanceTimersByTime(3_500);
    const moved = systemClock.monotonic();
    vi.useRealTimers();
    const after = systemClock.monotonic();

    expect(taken).toBeGreaterThanOrEqual(before);
    expect(moved - taken).toBeCloseTo(3_500, 3);
    expect(after).toBeGreaterThanOrEqual(moved);
    // No reading of `hrtime`, which may be hours, is in a step.
    expect(after - before).toBeLessThan(process.uptime() * 1_000 + 3_500);
  });
});

describe('the end of a turn', () => {
  it('comes after its microtasks, also under fake timers that never call back', async () => {
    for (const areFake of [false, true]) {
      if (areFake) vi.useFakeTimers({ toFake: ['setImmediate'] });
      const order: string[] = [];
      const end = new Promise<void>((resolve) => afterTurn(() => void (order.push('end'), resolve())));
      void Promise.resolve().then(() => order.push('microtask'));
      await end;
      expect(order).toEqual(['microtask', 'end']);
    }
  });
});
