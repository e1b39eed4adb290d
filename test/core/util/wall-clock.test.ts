import { describe, expect, it } from 'vitest';
import { getWallClock, type WallClock } from '../../../src/core/util/wall-clock.js';
import { manualClock, type ManualClock } from '../../../src/testing/index.js';

/** Reads the clock at each of these times: what it says, its highest reading, and its steps back so far. */
const readAt = (clock: ManualClock, wall: WallClock, times: readonly number[]): number[][] =>
  times.map((now) => {
    clock.setWall(now);
    return [wall.read(), wall.highest, wall.steps];
  });

describe('the wall clock that clients share', () => {
  it('is one for each clock, and knows its highest reading', () => {
    const clock = manualClock(5_000);
    const wall = getWallClock(clock);

    expect(readAt(clock, wall, [5_000, 9_000, 8_500])).toEqual([
      [5_000, 5_000, 0],
      [9_000, 9_000, 0],
      [8_500, 9_000, 0],
    ]);
    expect(getWallClock(clock)).toBe(wall);
    expect(getWallClock(manualClock())).not.toBe(wall);
  });

  it('steps back when it is set back by more than a second, and goes on from there', () => {
    const clock = manualClock(9_000);
    const wall = getWallClock(clock);

    expect(readAt(clock, wall, [9_000, 8_000, 7_999, 8_500, 7_000])).toEqual([
      [9_000, 9_000, 0],
      [8_000, 9_000, 0],
      [7_999, 7_999, 1],
      [8_500, 8_500, 1],
      [7_000, 7_000, 2],
    ]);
  });
});
