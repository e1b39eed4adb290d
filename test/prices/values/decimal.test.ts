import { describe, expect, it } from 'vitest';
import { fitsDouble, isDecimal, parseDecimal, parseExactJson } from '../../../src/prices/values/decimal.js';

describe('a decimal number', () => {
  it.each([
    ['0', '', 0],
    ['-0.000', '', 0],
    ['7', '7', 0],
    ['-7', '7', 0],
    ['700', '7', 2],
    ['0.070', '7', -2],
    ['1.50E+3', '15', 2],
    ['-12.5e-4', '125', -5],
    ['1e3', '1', 3],
    ['1203.45', '120345', -2],
  ])('%s has the digits %j times ten to the power of %d', (number, digits, exponent) => {
    expect(parseDecimal(number)).toEqual({ digits, exponent });
  });

  it.each([
    ['1', true],
    ['1.10', true],
    ['-1.10', true],
    ['1e2', true],
    ['1E+2', true],
    ['123456789012345678', false],
    ['-123456789012345678', false],
    ['1e999', false],
    ['-1e999', false],
    ['0.1000000000000000055511151231257827', false],
    ['100000000000000000000', true],
    ['1e-400', false],
    // The same digits, another power of ten: the smallest double.
    ['5e-324', true],
    ['5e-325', false],
  ])('%s fits a double: %j', (number, expected) => {
    expect(fitsDouble(number)).toBe(expected);
  });

  it.each([
    ['1', true],
    ['-1.5e3', true],
    [' 1', false],
    ['1 ', false],
    ['1,000', false],
    ['0x1', false],
    ['Infinity', false],
    ['true', false],
    ['', false],
  ])('%j is one: %j', (text, expected) => {
    expect(isDecimal(text)).toBe(expected);
  });
});

describe('JSON with numbers of any length', () => {
  it.each([
    ['1', 1],
    ['123456789012345678', '123456789012345678'],
    ['[1.5,-123456789012345678,2]', [1.5, '-123456789012345678', 2]],
    ['{"a":123456789012345678,"b":1e999}', { a: '123456789012345678', b: '1e999' }],
    ['{"a\\"9999999999999999999":[1E999, 123456789.123456]}', { 'a"9999999999999999999': ['1E999', 123456789.123456] }],
    ['{"price":4012.123456789012345}', { price: '4012.123456789012345' }],
    ['"only text"', 'only text'],
    ['[100000000000000, 1000000000000000, 10000000000000000]', [1e14, 1e15, 1e16]],
  ])('%s', (text, expected) => {
    expect(parseExactJson(text)).toEqual(expected);
  });

  it('leaves what is inside a string as it is, quotes and backslashes included', () => {
    const body = { text: 'a "1e999" \\ 99999999999999999999', end: '\\', number: 1 };

    expect(parseExactJson(JSON.stringify(body))).toEqual(body);
  });

  it.each(['{"a":}', '[1', '', '"open'])('that is broken throws: %j', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });
});
