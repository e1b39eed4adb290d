import { describe, expect, it } from 'vitest';
import { countForEvent } from '../../../src/core/util/throttle.js';

describe('an event that could come with every call', () => {
  it('is told at once, then once a second with what came since', () => {
    const about = {};
    const told = [5, 6, 1_004, 1_005, 1_006, 9_000].map((now) => countForEvent(about, 'stale', now));
    expect(told).toEqual([1, undefined, undefined, 3, undefined, 2]);
  });

  it('is counted apart from other events, and from the same about another', () => {
    const about = {};
    const told = [countForEvent(about, 'one', 5), countForEvent(about, 'two', 5), countForEvent({}, 'one', 5)];
    expect(told).toEqual([1, 1, 1]);
    expect(countForEvent(about, 'one', 1_005)).toBe(1);
  });
});
