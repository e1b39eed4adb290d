import { afterEach, describe, expect, it, vi } from 'vitest';
import { PriceChecks, checkBounds, type Limits } from '../../../src/prices/values/price-limits.js';
import { PriceJumpLimit } from '../../../src/prices/values/price-jumps.js';
import type { Reading } from '../../../src/prices/values/reading.js';

const NOW = 1_795_000_000_000;

afterEach(() => {
  vi.useRealTimers();
});

/** Returns what is wrong with a reading, or '' if nothing is. */
function problem(
  reading: Partial<Reading>,
  { currency = 'USD', metal = 'XAU', ...limits }: Partial<Limits & { metal: string }> = {},
): string {
  vi.useFakeTimers({ now: NOW });
  const all = { maxAge: 60_000, needsTime: false, maxChange: 0.25, currency: 'USD', bounds: new Map(), ...limits };
  try {
    new PriceChecks(all as Limits).check({ timestamp: NOW, ...reading } as Reading, { metal, currency });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a price', () => {
  it('outside its limits makes the answer implausible', () => {
    const checks = new PriceChecks({ maxAge: 60_000, needsTime: true, maxChange: Infinity, currency: 'USD', bounds: new Map() });
    const check = (): void => checks.check({ price: 2_000 } as Reading, { metal: 'XAU', currency: 'USD' });
    expect(check).toThrow(expect.objectContaining({ kind: 'implausible' }) as Error);
  }); // prettier-ignore

  it('of a fixing is limited as that of its metal', () => {
    expect(problem({ price: 1 }, { metal: 'LBMA-XAU' })).toContain('is outside 200 to 50000 USD');
  });

  it('without a time is refused where one is needed', () => {
    const says = 'gave a price of `XAU` in USD that has no time, and `maxAge` is set';

    expect(problem({ price: 2_000, timestamp: undefined }, { needsTime: true })).toBe(says);
    expect(problem({ price: 2_000, timestamp: undefined })).toBe('');
  });

  it.each([
    [200, ''],
    [199.99, 'is outside 200 to 50000 USD per troy ounce'],
    [50_000, ''],
    [50_000.01, 'is outside 200 to 50000 USD per troy ounce'],
    [0, 'is not a number above zero'],
    [-2_000, 'is not a number above zero'],
    [Infinity, 'is not a number above zero'],
    [NaN, 'is not a number above zero'],
    [9e-16, 'is too small or too large for any currency'],
    [2e15, 'is too small or too large for any currency'],
  ])('of gold of %d USD: %j', (price, says) => {
    expect(problem({ price })).toBe(says === '' ? '' : `gave a price of \`XAU\` in USD that ${says}`);
  });

  it.each([1e-15, 1e15])('of %d is one for a metal without limits', (price) => {
    expect(problem({ price }, { metal: 'XXX' })).toBe('');
  });

  it.each([
    [{ price: 2_000, bid: 0 }, /not a number above zero/],
    [{ price: 2_000, ask: Infinity }, /not a number above zero/],
    [{ price: 2_000, bid: 9e-16 }, /too small/],
    [{ price: 2_000, ask: 2e15 }, /too large/],
    [{ price: 2_000, bid: 4_000, ask: 4_000 }, /^$/],
    [{ price: 2_000, bid: 4_001, ask: 4_001 }, /does not stand between its bid and its ask$/],
    [{ price: 2_000, bid: 1_000, ask: 1_000 }, /^$/],
    [{ price: 2_000, bid: 999, ask: 999 }, /does not stand between/],
    [{ price: 2_000, bid: 2_001, ask: 2_000 }, /does not stand between/],
    [{ price: 2_000, bid: 1_999, ask: 2_001 }, /^$/],
  ] as Array<[Partial<Reading>, RegExp]>)('%j is judged with its bid and ask', (reading, says) => {
    expect(problem(reading)).toMatch(says);
  });

  it('in another currency has the limits of the USD value that is known, or wide ones', () => {
    expect(problem({ price: 300_000, usd: 2_000 }, { currency: 'JPY' })).toBe('');
    expect(problem({ price: 2_000, usd: 60_000 }, { currency: 'JPY' })).toMatch(/outside 200 to 50000 USD/);
    expect(problem({ price: 50 }, { currency: 'KWD' })).toBe('');
    expect(problem({ price: 49 }, { currency: 'KWD' })).toMatch(/outside 50 to 10000000000 KWD/);
    expect(problem({ price: 60_000, usd: 2_000 }, { currency: 'USD' })).toMatch(/outside 200 to 50000 USD/);
  });

  it('has the limits that the user gave, in the currency that they are for', () => {
    const bounds = new Map([['XAU', [1_000, 3_000] as const]]);

    expect(problem({ price: 1_000 }, { bounds })).toBe('');
    expect(problem({ price: 3_000 }, { bounds })).toBe('');
    expect(problem({ price: 999 }, { bounds })).toMatch(/outside 1000 to 3000 USD/);
    expect(problem({ price: 3_001 }, { bounds })).toMatch(/outside 1000 to 3000 USD/);
    expect(problem({ price: 300_000 }, { bounds, currency: 'JPY' })).toBe('');
    expect(problem({ price: 2_000, needsBounds: true })).toMatch(/only with `bounds.XAU` given/);
    expect(problem({ price: 2_000, needsBounds: true }, { bounds })).toBe('');
  });

  it('may be `maxAge` old and five minutes ahead', () => {
    expect(problem({ price: 2_000, timestamp: NOW - 60_000 })).toBe('');
    expect(problem({ price: 2_000, timestamp: NOW - 60_001 })).toMatch(/that is older than `maxAge`$/);
    expect(problem({ price: 2_000, timestamp: NOW + 300_000 })).toBe('');
    expect(problem({ price: 2_000, timestamp: NOW + 300_001 })).toMatch(/that has a time ahead of this clock$/);
  });
});

describe('the option `bounds`', () => {
  it.each([1, 'x', null, [[1, 2]], true])('is not %j', (bounds) => {
    expect(() => checkBounds(bounds)).toThrow(/^`bounds` must be an object of \[min, max\] by metal, got /);
  });

  it.each([
    [2, 1],
    [1, 1],
    [-1, 1],
    ['1', 2],
    [1, '2'],
    [NaN, 2],
    [1, NaN],
    [1],
    [1, 2, 3],
    [],
    'ab',
    { length: 2, 0: 1, 1: 2 },
    { 0: 1, 1: 2 },
  ])('has no pair %j', (pair) => {
    expect(() => checkBounds({ XAU: pair })).toThrow(
      '`bounds.XAU` must be [min, max], two numbers from 0, the first below the second.',
    );
  });

  it('has metals as keys, and is copied', () => {
    const pair = [0, 1];
    const checked = checkBounds({ XAU: pair });
    pair[1] = 9;

    expect([...checked]).toEqual([['XAU', [0, 1]]]);
    expect(checkBounds(undefined).size).toBe(0);
    expect(() => checkBounds({ gold: [0, 1] })).toThrow(/symbols of metals/);
  });
});

describe('a jump', () => {
  it('of exactly `maxChange` is allowed, of more it is told', () => {
    vi.useFakeTimers({ now: NOW });
    const jumps = new PriceJumpLimit(0.25);
    jumps.accept('XAU/USD', 2_000);

    expect([2_500, 1_500, 2_501, 1_499].map((price) => jumps.allows('XAU/USD', price))).toEqual([
      true,
      true,
      false,
      false,
    ]);

    const checks = new PriceChecks({
      maxAge: 1_000,
      needsTime: false,
      maxChange: 0.25,
      currency: 'USD',
      bounds: new Map(),
    } as Limits);
    const pair = { metal: 'XAU', currency: 'USD' };
    checks.accept({ price: 2_000 } as Reading, pair);
    expect(() => checks.check({ price: 2_501, timestamp: NOW } as Reading, pair)).toThrow(
      'gave a price of `XAU` in USD that differs from the last one by more than `maxChange`',
    );
  });
});
