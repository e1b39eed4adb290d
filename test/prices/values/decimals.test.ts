import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldApi, metalsApi } from '../../../src/prices/index.js';
import { fitsDouble, isDecimal, parseExactJson } from '../../../src/prices/values/decimal.js';
import { assertNoSecret } from '../../../src/testing/assert-no-secret.js';
import { contextOf, RECENT, rejection } from '../scripted-api.js';

const KEY = 'test-key-0123';
const context = contextOf(KEY);

/** A price API that answers with this text. */
const answering =
  (text: string): typeof globalThis.fetch =>
  () =>
    Promise.resolve(new Response(text));

describe('a number written as a string', () => {
  it.each(['2199.5', '2199.50', '0.5', '2199', '2.1995e3', '2.1995E+3'])('%j is one', (text) => {
    expect(isDecimal(text)).toBe(true);
  });

  const none = ['0x10', '0b1', '1,234.5', '1.234,5', '1e3x', '1e', '1e+', 'e3', '1 234', ' 1', '1 ', '', ' ', '-'];
  none.push(
    'Infinity',
    '-Infinity',
    'NaN',
    '+1',
    '.5',
    '5.',
    '007',
    '1_000',
    '1.2.3',
    '--1',
    '१२',
    'USD 5',
    '5n',
    '1e3 ',
  );

  it.each(none)('%j is none', (text) => {
    expect(isDecimal(text)).toBe(false);
  });

  it.each(none)('a price, rate or ask of %j is refused, not coerced', async (text) => {
    const gold = (more: object): typeof globalThis.fetch =>
      answering(JSON.stringify({ metal: 'XAU', price: 2199.5, ...more }));
    const rates = answering(JSON.stringify({ success: true, base: 'USD', rates: { USDXAU: text } }));
    for (const asked of [
      goldApi({ fetch: gold({ price: text }) }),
      goldApi({ fetch: gold({ ask: text }) }),
      metalsApi({ fetch: rates }),
    ]) {
      const error = await rejection(asked.fetchPrice('XAU', context));
      expect(error).toMatchObject({ kind: 'implausible', retryable: false });
    }
  });

  it.each([true, [], {}, '1e999', '-5', '0'])('%j is no price either', async (price) => {
    const fetch = answering(JSON.stringify({ price }));
    expect(await rejection(goldApi({ fetch }).fetchPrice('XAU', context))).toMatchObject({ kind: 'implausible' });
  });
});

describe('a number with more digits than a double holds', () => {
  it.each(['2199.51356164428171234', '"2199.51356164428171234"'])('%s gives the nearest price', async (price) => {
    const fetch = answering(
      `{"metal":"XAU","price":${price},"bid":2199.40000000000000001,"timestamp":${String(RECENT)}}`,
    );

    const quote = await goldApi({ fetch }).fetchPrice('XAU', context);

    expect(quote).toMatchObject({ price: 2199.5135616442817, bid: 2199.4, timestamp: RECENT * 1000 });
    expect(quote.raw).toEqual({
      metal: 'XAU',
      price: '2199.51356164428171234',
      bid: '2199.40000000000000001',
      timestamp: RECENT,
    });
  });

  it.each([
    ['{"a":9007199254740993}', { a: '9007199254740993' }],
    ['{"a":-9007199254740993}', { a: '-9007199254740993' }],
    ['[1,12345678901234567890,2]', [1, '12345678901234567890', 2]],
    ['{"a":0.1000000000000000055511151231257827}', { a: '0.1000000000000000055511151231257827' }],
    ['{"a":1e400}', { a: '1e400' }],
    ['{"a":1e-400}', { a: '1e-400' }],
    ['{"a":1.00000000000000000001e2}', { a: '1.00000000000000000001e2' }],
    [' 12345678901234567890 ', '12345678901234567890'],
  ])('%s keeps its digits as a string', (text, expected) => {
    expect(parseExactJson(text)).toEqual(expected);
  });

  it.each([
    ['{"a":2199.5135616442817}', { a: 2199.5135616442817 }],
    ['{"a":2199.500000000000000000}', { a: 2199.5 }],
    ['{"a":0.0004546459805651000}', { a: 0.0004546459805651 }],
    ['{"a":100000000000000000000000}', { a: 1e23 }],
    ['{"a":1.5e3,"b":-0.0,"c":0e10,"d":25E-1}', { a: 1500, b: -0, c: 0, d: 2.5 }],
    ['{"12345678901234567890":"12345678901234567890"}', { '12345678901234567890': '12345678901234567890' }],
    [String.raw`{"a":"\"12345678901234567890","b\\":"\\","c":1}`, { a: '"12345678901234567890', 'b\\': '\\', c: 1 }],
  ])('%s is as JSON.parse gives it', (text, expected) => {
    expect(parseExactJson(text)).toEqual(expected);
  });

  it.each([
    '{12345678901234567890:1}',
    '{"a":012345678901234567}',
    '[12345678901234567890',
    '{"a":12345678901234567890x}',
  ])('%s is no JSON still', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });

  it('every other body is as JSON.parse gives it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseExactJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('a number is held when its digits come back', () => {
    const digits = fc.stringMatching(/^[1-9][0-9]{0,24}\.[0-9]{1,24}$/);
    fc.assert(
      fc.property(digits, (text) => {
        const trimmed = text.replace(/\.?0+$/, '');
        const [whole = ''] = text.split('.');
        // Up to here String() writes no exponent.
        fc.pre(whole.length <= 21);
        expect(fitsDouble(text)).toBe(String(Number(text)) === (trimmed.includes('.') ? trimmed : whole));
      }),
    );
  });

  it('a million digits are read, and refused as a price', async () => {
    const fetch = answering(`{"price":${'9'.repeat(900_000)}}`);
    expect(await rejection(goldApi({ fetch }).fetchPrice('XAU', context))).toMatchObject({ kind: 'implausible' });
  });

  it('a key of digits among them is hidden as any other', async () => {
    const key = '12345678901234567890';
    const fetch = answering(`{"price":2199.5,"echo":${key},"short":{"n":[1,${key}]}}`);

    const quote = await goldApi({ fetch }).fetchPrice('XAU', contextOf(key));

    assertNoSecret(quote, key);
    expect(quote.raw).toEqual({ price: 2199.5, echo: '[REDACTED]', short: { n: [1, '[REDACTED]'] } });

    const short = answering('{"price":2199.5,"echo":12345678,"text":"12345678"}');
    const other = await goldApi({ fetch: short }).fetchPrice('XAU', contextOf('12345678'));
    expect(other.raw).toEqual({ price: 2199.5, echo: '[REDACTED]', text: '[REDACTED]' });
  });
});
