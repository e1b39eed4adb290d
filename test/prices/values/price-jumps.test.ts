import { expect, it } from 'vitest';
import { PriceJumpLimit } from '../../../src/prices/values/price-jumps.js';

it('jumps remember ten thousand pairs, those accepted last', () => {
  const jumps = new PriceJumpLimit(0.1);
  jumps.accept('XAU/USD', 2000);
  jumps.accept('XAG/USD', 25);
  for (let pair = 0; pair < 9_998; pair++) jumps.accept(`X${String(pair)}/USD`, 1);
  jumps.accept('XAU/USD', 2000);
  expect(jumps.allows('XAG/USD', 50)).toBe(false);

  jumps.accept('XPT/USD', 900);

  expect(jumps.allows('XAG/USD', 50)).toBe(true);
  expect(jumps.allows('XAU/USD', 4000)).toBe(false);
});
