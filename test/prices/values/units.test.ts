import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertToTroyOunce, convertToUnit, findVendorUnit } from '../../../src/prices/values/units.js';
import { fractionOf, isNearest } from '../rational.js';

describe('a price per another unit than the troy ounce', () => {
  it.each([
    [3110.34768, 'troy_ounce', 3110.34768],
    [3110.34768, 'gram', 100],
    [3110.34768, 'kilogram', 100_000],
    [3110.34768, 'tola', 1166.38038],
    [31.1034768, 'gram', 1],
    [0.00311034768, 'kilogram', 0.1],
    [2000, 'tola', 750],
    [311034768e15, 'gram', 1e22],
  ] as const)('%d per ounce is exactly %s: %d', (price, unit, expected) => {
    expect(convertToUnit(price, unit)).toBe(expected);
  });

  const fractions = { gram: [10n ** 7n, 311_034_768n], kilogram: [10n ** 10n, 311_034_768n], tola: [3n, 8n] } as const;
  const prices = fc.oneof(
    fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
    fc.integer({ min: 1, max: 999_999_999 }).map((cents) => cents / 100),
    fc.integer({ min: 1, max: 999_999_999 }).map((millionths) => millionths / 1e6),
  );

  it('is the double nearest to the exact quotient of the price as it is written', () => {
    fc.assert(
      fc.property(prices, fc.constantFrom('gram', 'kilogram', 'tola'), (price, unit) => {
        const [numerator, denominator] = fractionOf(price);
        const [times, over] = fractions[unit];
        return isNearest(convertToUnit(price, unit), numerator * times, denominator * over);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is converted at the smallest price that may be asked', () => {
    expect(convertToUnit(1e-15, 'gram')).toBe(3.215074656862798e-17);
  });

  it.each([9.99e-16, 5e-324, 0, -0.5, -2000, Infinity, NaN])('is left as it is, to be refused, for %d', (price) => {
    expect(convertToUnit(price, 'gram')).toBe(price);
  });

  it.each([93.64, 1103.12])('%d lies just above the middle of two doubles per gram, and is rounded up', (price) => {
    const [numerator, denominator] = fractionOf(price);
    expect(isNearest(convertToUnit(price, 'gram'), numerator * 10n ** 7n, denominator * 311_034_768n)).toBe(true);
  });

  it('a double next to the nearest one is not taken for it', () => {
    expect(isNearest(0.1, 1n, 10n)).toBe(true);
    expect(isNearest(0.1 + 2 ** -56, 1n, 10n)).toBe(false);
  });
});

describe('a unit that a vendor names', () => {
  it.each([
    ['troyounce', 31.1034768],
    ['troyoz', 31.1034768],
    ['oztroy', 31.1034768],
    ['toz', 31.1034768],
    ['ozt', 31.1034768],
    ['tryoz', 31.1034768],
    ['gram', 1],
    ['gramme', 1],
    ['g', 1],
    ['kilogram', 1_000],
    ['kilogramme', 1_000],
    ['kilo', 1_000],
    ['kg', 1_000],
    ['tola', 11.6638038],
    ['pound', 453.59237],
    ['lb', 453.59237],
    ['metricton', 1_000_000],
    ['metrictonne', 1_000_000],
    ['tonne', 1_000_000],
    ['mt', 1_000_000],
  ])('%s is %d g', (name, grams) => {
    const unit = findVendorUnit(name) ?? [0n, 1n];

    // The price of as many troy ounces as there are in 31.1034768 units.
    expect(convertToTroyOunce(grams, unit, 1)).toBe(31.1034768);
  });

  it.each(['per Troy Ounce', 'TROY-OUNCES', 'per troy ounces', 'Troy_Ounce'])('may be written %j', (name) => {
    expect(findVendorUnit(name)).toEqual([1n, 1n]);
  });

  it.each(['', 'ounce', 'oz', 'ton', 'gram per', 'grams per pound', 'metrics ton', 'Gewicht'])(
    'is none, or not clear: %j',
    (name) => {
      expect(findVendorUnit(name)).toBeUndefined();
    },
  );

  it('may have its price in hundredths of the currency', () => {
    expect(convertToTroyOunce(250, [3n, 8n], 100)).toBe(250 / 100 / (3 / 8));
  });
});
