import { describe, expect, it } from 'vitest';
import { readConversion } from '../../../src/prices/values/conversion.js';

const GOLD = { metal: 'XAU', currency: 'USD' };
const COPPER = { metal: 'XCU', currency: 'USD' };
const NO_UNIT = 'gave a price of `XCU` without a unit that is clear';
const OTHER_CURRENCY = 'answered in another currency than was asked for';

describe('the unit of a quote', () => {
  it.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['an empty text', ''],
    ['oz', 'oz'],
    ['per ounce', 'per ounce'],
    ['ounce', 'ounce'],
    ['per ounces', 'per ounces'],
    ['Ounces', 'Ounces'],
    ['PER OZ', 'PER OZ'],
    ['toz', 'toz'],
  ])('%s is the troy ounce of a precious metal', (_, unit) => {
    expect(readConversion({ unit }, GOLD)(2_000)).toBe(2_000);
  });

  it('is read of the quote, or given', () => {
    expect(readConversion({ unit: 'g' }, GOLD)(100)).toBeCloseTo(3_110.35, 2);
    expect(readConversion({ unit: 'g' }, GOLD, 'oz')(100)).toBe(100);
  });

  it.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['an empty text', ''],
    ['oz', 'oz'],
    ['an unknown word', 'handful'],
    ['a number', 1],
  ])('of a base metal is not clear when it is %s', (_, unit) => {
    expect(() => readConversion({ unit }, COPPER)).toThrow(
      expect.objectContaining({ kind: 'implausible', message: NO_UNIT }),
    );
  });

  it.each<[string, unknown]>([
    ['an unknown word', 'handful'],
    ['a number', 1],
    ['an object', {}],
    ['a list of an ounce', ['oz']],
    ['an ounce and more', 'oz of gold'],
    ['more before an ounce', 'per fluid oz'],
  ])('of a precious metal is not clear when it is %s', (_, unit) => {
    expect(() => readConversion({ unit }, GOLD)).toThrow('gave a price of `XAU` without a unit that is clear');
  });

  it('of a base metal may be stated', () => {
    expect(readConversion({ unit: 'toz' }, COPPER)(3)).toBe(3);
    expect(readConversion({ unit: 'g' }, COPPER)(1)).toBeCloseTo(31.1035, 4);
  });
});

describe('the currency of a quote', () => {
  it.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['an empty text', ''],
    ['the one asked for', 'USD'],
  ])('%s: the price stays', (_, currency) => {
    expect(readConversion({ currency, currency_unit: currency }, GOLD)(2_000)).toBe(2_000);
  });

  it.each([
    ['USX', 'USD'],
    ['USc', 'USD'],
    ['EUX', 'EUR'],
    ['GBX', 'GBP'],
    ['GBp', 'GBP'],
    ['ZAC', 'ZAR'],
    ['ZAc', 'ZAR'],
    ['ILA', 'ILS'],
  ])('%s is a hundredth of %s, in either field', (code, currency) => {
    const pair = { metal: 'XAU', currency };

    expect(readConversion({ currency: code }, pair)(200_000)).toBe(2_000);
    expect(readConversion({ currency, currency_unit: code }, pair)(200_000)).toBe(2_000);
    expect(readConversion({ currency: code, currency_unit: code }, pair)(200_000)).toBe(2_000);
  });

  it.each<[string, unknown]>([
    ['another', 'EUR'],
    ['a hundredth of another', 'GBX'],
    ['one in other letters', 'usd'],
    ['a number', 840],
    ['a list of a hundredth', ['USX']],
    ['the name of a method', 'toString'],
  ])('%s is refused, in either field', (_, code) => {
    for (const quote of [{ currency: code }, { currency_unit: code }]) {
      expect(() => readConversion(quote, GOLD)).toThrow(
        expect.objectContaining({ kind: 'implausible', message: OTHER_CURRENCY }),
      );
    }
  });
});
