import { describe, expect, it } from 'vitest';
import { formatPair, isCurrencyCode } from '../../../src/prices/values/pair.js';

describe('a pair of metal and currency', () => {
  it('is written with a slash', () => {
    expect(formatPair({ metal: 'XAU', currency: 'USD' })).toBe('XAU/USD');
  });
});

describe('the code of a currency', () => {
  it.each(['USD', 'EUR', 'XAF'])('may be %s', (code) => {
    expect(isCurrencyCode(code)).toBe(true);
  });

  it.each(['usd', 'US', 'USDT', 'USD ', '1USD', 'XAU', 'ALU', '', undefined, null, 7, ['USD']])(
    'is not %j',
    (value) => {
      expect(isCurrencyCode(value)).toBe(false);
    },
  );
});
