import { describe, expect, it } from 'vitest';
import { MemoryReplayStore } from '../../src/hmac/memory-replay-store.js';
import { manualClock } from '../../src/testing/index.js';

describe('the memory of messages', () => {
  it('takes each id once, until it may be forgotten', () => {
    const clock = manualClock();
    const store = new MemoryReplayStore(clock);
    const end = clock.now() + 1_000;
    expect([store.add('a', end), store.add('a', end), store.add('b', end)]).toEqual([true, false, true]);
    clock.setWall(end - 1);
    expect(store.add('a', end)).toBe(false);
    clock.setWall(end);
    expect(store.add('a', end + 1_000)).toBe(true);
  });

  it('refuses when it is full, and forgets nothing before its time', async () => {
    const clock = manualClock();
    const store = new MemoryReplayStore(clock, 3);
    const end = clock.now() + 10_000;
    expect(['a', 'b', 'c', 'd'].map((id) => store.add(id, end))).toEqual([true, true, true, false]);
    expect(store.add('a', end)).toBe(false);
    await clock.advance(10_000);
    expect(['d', 'e', 'f', 'g'].map((id) => store.add(id, end + 10_000))).toEqual([true, true, true, false]);
  });

  it('looks once a second at most for what it may forget', async () => {
    const clock = manualClock();
    const store = new MemoryReplayStore(clock, 1);
    store.add('a', clock.now() + 100);
    expect(store.add('b', clock.now() + 100)).toBe(false);
    await clock.advance(100);
    expect(store.add('b', clock.now() + 100)).toBe(false);
    await clock.advance(900);
    expect(store.add('b', clock.now() + 100)).toBe(true);
  });
});
