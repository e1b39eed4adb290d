import { describe, expect, it } from 'vitest';
import { waitAtMost } from '../../../src/core/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { pendingTimersOf, watch } from '../scene.js';

describe('a wait of at most so long', () => {
  it('ends with the work, as that does, and leaves no timer', async () => {
    const clock = manualClock();
    const pending = pendingTimersOf(clock);
    const waits = [Promise.resolve(), Promise.reject(new Error('odd'))].map((work) =>
      watch(clock, waitAtMost(work, 100, clock)),
    );
    const during = pending.size;
    await clock.advance(0);

    expect(waits.map(({ state }) => state)).toEqual(['resolved', 'rejected']);
    expect([during, pending.size]).toEqual([2, 0]);
  });

  it('ends when the time is over, and not before, whatever the work does then', async () => {
    const clock = manualClock();
    let fail: ((error: Error) => void) | undefined;
    const wait = watch(clock, waitAtMost(new Promise<void>((_, reject) => (fail = reject)), 100, clock));
    await clock.advance(99);
    const before = wait.state;
    await clock.advance(1);
    fail?.(new Error('late'));
    await clock.advance(1);

    expect([before, wait.state]).toEqual(['pending', 'resolved']);
  });
});
