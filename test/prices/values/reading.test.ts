import { describe, expect, it, vi } from 'vitest';
import {
  checkEcho,
  readErrorCode,
  readNumber,
  readTime,
  requireNumber,
  requireObject,
  UnusableBody,
} from '../../../src/prices/values/reading.js';

/** Returns what a reading of a body throws. */
function refusal(read: () => unknown): Partial<UnusableBody> {
  try {
    return { message: `nothing, but gave ${String(read())}` };
  } catch (error) {
    expect(error).toBeInstanceOf(UnusableBody);
    return error as UnusableBody;
  }
}

describe('a field of a body', () => {
  it.each([1, 1.5, -2, 0, '1.5', '-2e3'])('that is the number %j is read', (value) => {
    expect(readNumber({ price: value }, 'price')).toBe(Number(value));
  });

  it.each([true, '', ' 1', '1,000', '0x10', 'NaN', 'Infinity', Infinity, NaN, {}, [1], new Date(0)])(
    'that is %j is not guessed at',
    (value) => {
      expect(refusal(() => readNumber({ price: value }, 'price'))).toMatchObject({
        kind: 'implausible',
        message: 'gave a `price` that is not a plain number',
      });
    },
  );

  it('that is missing, null or inherited is none', () => {
    expect(readNumber({ price: null }, 'price')).toBeUndefined();
    expect(readNumber(Object.create({ price: 1 }), 'price')).toBeUndefined();
    expect(readNumber('price', 'length')).toBeUndefined();
    expect(refusal(() => requireNumber({}, 'price'))).toMatchObject({
      kind: 'transient',
      message: 'answered without `price`',
    });
    expect(requireNumber({ bid: 0 }, 'price', 'bid')).toBe(0);
    const rates = { USD: 1 };
    expect(requireObject({ rates }, 'rates')).toBe(rates);
    expect(refusal(() => requireObject({ rates: null }, 'rates'))).toMatchObject({
      kind: 'transient',
      message: 'answered without `rates`',
    });
    expect(refusal(() => requireObject({ rates: 'USD' }, 'rates'))).toMatchObject({ kind: 'transient' });
  });

  it('that repeats the request must be what was asked for, where it is there', () => {
    expect(() => checkEcho({ base: 'USD' }, 'base', 'USD')).not.toThrow();
    expect(() => checkEcho({}, 'base', 'USD')).not.toThrow();
    expect(refusal(() => checkEcho({ base: 'EUR' }, 'base', 'USD'))).toMatchObject({
      kind: 'implausible',
      message: 'answered with another `base` than was asked for',
    });
  });
});

describe('the code of a vendor’s error', () => {
  it.each([
    [101, 101],
    ['104', 104],
    [-1, -1],
    [99_999, 99_999],
    [100_000, undefined],
    [-100_000, undefined],
    [1.5, undefined],
    ['invalid', undefined],
    [undefined, undefined],
    [null, undefined],
  ])('%j is %j', (code, expected) => {
    expect(readErrorCode({ code }, 'code')).toBe(expected);
  });
});

describe('a moment', () => {
  it.each([
    [1_700_000_000, 1_700_000_000_000],
    ['1700000000.5', 1_700_000_000_500],
    [1_700_000_000_123, 1_700_000_000_123],
    [99_999_999_999, 99_999_999_999_000],
    [100_000_000_000, 100_000_000_000],
    [0, undefined],
    [-1, undefined],
    ['2026-01-02', Date.UTC(2026, 0, 2)],
    ['2026-01-02 03:04:05', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05+02:00', Date.UTC(2026, 0, 2, 1, 4, 5)],
    ['2026-01-02T03:04:05-0130', Date.UTC(2026, 0, 2, 4, 34, 5)],
    ['no date', undefined],
    [true, undefined],
    [undefined, undefined],
  ])('%j is %j', (value, expected) => {
    expect(readTime({ time: value }, 'time')).toBe(expected);
  });

  it.each([
    ['2026-01-02 03:04:05', '2026-01-02 03:04:05Z'],
    ['2026-01-02T03:04', '2026-01-02T03:04Z'],
    ['2026-01-02T03:04:05+05:30', '2026-01-02T03:04:05+05:30'],
    ['2026-01-02T03:04:05-0130', '2026-01-02T03:04:05-0130'],
    ['2026-01-02T03:04:05+05:30 (IST)', '2026-01-02T03:04:05+05:30 (IST)Z'],
    // A date alone is in UTC by itself.
    ['2026-01-02', '2026-01-02'],
  ])('%s does not depend on the time zone of this machine', (time, parsed) => {
    const parse = vi.spyOn(Date, 'parse');

    readTime({ time }, 'time');

    expect(parse.mock.calls).toEqual([[parsed]]);
    parse.mockRestore();
  });
});
