import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lib } from './typed-lib.js';

const { EventClock } = await lib('event-clock.mjs');

describe('the clock of the simulated fleet', () => {
  it('runs timers when they are due, the first made first, and none that was cancelled', async () => {
    const timers = fc.array(fc.record({ ms: fc.nat(1_000), isCancelled: fc.boolean() }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(timers, fc.integer({ min: 1, max: 1_200 }), async (wished, ms) => {
        const clock = new EventClock();
        const startedAt = clock.monotonic();
        const ran: { index: number; at: number }[] = [];
        wished.forEach((wish, index) => {
          const timer = clock.setTimeout(() => ran.push({ index, at: clock.monotonic() - startedAt }), wish.ms);
          if (wish.isCancelled) timer.cancel();
        });

        await clock.advance(ms);

        const expected = wished
          .map((wish, index) => ({ ...wish, index }))
          .filter((wish) => !wish.isCancelled && wish.ms <= ms)
          .toSorted((one, other) => one.ms - other.ms || one.index - other.index)
          .map((wish) => ({ index: wish.index, at: wish.ms }));
        expect(ran).toEqual(expected);
        expect(clock.monotonic() - startedAt).toBe(ms);
      }),
      { numRuns: 60 },
    );
  });

  it('runs a timer that another one made, within the same step', async () => {
    const clock = new EventClock(5_000);
    const ran: number[] = [];
    clock.setTimeout(() => {
      clock.setTimeout(() => ran.push(clock.now()), 20);
    }, 10);

    await clock.advance(30);

    expect(ran).toEqual([5_031]);
  });
});
