import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PriceJumpLimit } from '../../../src/prices/values/price-jumps.js';

const NOW = 1_795_000_000_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A limit of 25 % after a price of 2,000. */
function after2000(): PriceJumpLimit {
  const jumps = new PriceJumpLimit(0.25);
  jumps.accept('XAU/USD', 2_000);
  return jumps;
}

describe('jumps', () => {
  it('are limited to both sides, by pair, from the first price on', () => {
    const jumps = after2000();

    expect([1_500, 1_499, 2_500, 2_501].map((price) => jumps.allows('XAU/USD', price))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(jumps.allows('XAU/EUR', 4_000)).toBe(true);
  });

  it.each([0.1, 0.2, 0.3])('of exactly the limit, %d, are allowed, though binary fractions make them more', (limit) => {
    const jumps = new PriceJumpLimit(limit);
    jumps.accept('XAU/USD', 2_000);

    for (const sign of [1, -1]) {
      expect(jumps.allows('XAU/USD', Math.round(2_000 * (1 + sign * limit)))).toBe(true);
      expect(jumps.allows('XAU/USD', Math.round(2_000 * (1 + sign * limit)) + sign * 0.01)).toBe(false);
    }
  });

  it('to a level are allowed once it has been kept to for an hour', () => {
    const jumps = after2000();
    const moments = [0, HOUR / 2, HOUR - 1, HOUR].map((at) => {
      vi.setSystemTime(NOW + at);
      return jumps.allows('XAU/USD', 3_000 + at / 1e5);
    });

    expect(moments).toEqual([false, false, false, true]);
  });

  it('to a level are measured from its first price, though others come in the same millisecond', () => {
    const jumps = after2000();
    expect([3_000, 3_600].map((price) => jumps.allows('XAU/USD', price))).toEqual([false, false]);
    vi.setSystemTime(NOW + HOUR);
    expect(jumps.allows('XAU/USD', 2_600)).toBe(true);
  });

  it('are limited from the last price that was accepted, and an accepted one ends what was a new level', () => {
    const jumps = after2000();
    expect(jumps.allows('XAU/USD', 4_000)).toBe(false);
    jumps.accept('XAU/USD', 2_400);
    expect(jumps.allows('XAU/USD', 3_000)).toBe(true);
    vi.setSystemTime(NOW + HOUR);
    expect(jumps.allows('XAU/USD', 4_000)).toBe(false);
  });

  it('to another level begin the hour anew', () => {
    const jumps = after2000();
    const allowed = [3_000, 5_000, 3_000].map((price, index) => {
      vi.setSystemTime(NOW + (index * HOUR) / 2);
      return jumps.allows('XAU/USD', price);
    });
    vi.setSystemTime(NOW + 2 * HOUR - 1);
    const early = jumps.allows('XAU/USD', 3_000);
    vi.setSystemTime(NOW + 2 * HOUR);

    expect([...allowed, early, jumps.allows('XAU/USD', 3_000)]).toEqual([false, false, false, false, true]);
  });

  it('begin the hour anew when the clock was set back before it', () => {
    const jumps = after2000();
    vi.setSystemTime(NOW + HOUR);
    const first = jumps.allows('XAU/USD', 3_000);
    vi.setSystemTime(NOW);
    const setBack = jumps.allows('XAU/USD', 3_000);
    vi.setSystemTime(NOW + HOUR);

    expect([first, setBack, jumps.allows('XAU/USD', 3_000)]).toEqual([false, false, true]);
  });

  it('of any size are allowed a day after the last price, ahead or behind', () => {
    for (const [away, isAllowed] of [
      [DAY, true],
      [DAY - 1, false],
      [-DAY, true],
      [1 - DAY, false],
    ] as const) {
      vi.setSystemTime(NOW);
      const jumps = after2000();
      vi.setSystemTime(NOW + away);

      expect(jumps.allows('XAU/USD', 4_000)).toBe(isAllowed);
    }
  });

  it('remember ten thousand pairs, those accepted last', () => {
    const jumps = after2000();
    jumps.accept('XAG/USD', 25);
    for (let pair = 0; pair < 9_998; pair++) jumps.accept(`X${String(pair)}/USD`, 1);
    jumps.accept('XAU/USD', 2_000);
    expect(jumps.allows('XAG/USD', 50)).toBe(false);

    jumps.accept('XPT/USD', 900);

    expect(jumps.allows('XAG/USD', 50)).toBe(true);
    expect(jumps.allows('XAU/USD', 4_000)).toBe(false);
  });
});
