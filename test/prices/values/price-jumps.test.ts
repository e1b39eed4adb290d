import { expect, it } from 'vitest';
import { Steps } from '../../../src/prices/values/price-jumps.js';

it('steps remember ten thousand pairs, those accepted last', () => {
  const steps = new Steps(0.1);
  steps.accept('XAU/USD', 2000);
  steps.accept('XAG/USD', 25);
  for (let pair = 0; pair < 9_998; pair++) steps.accept(`X${String(pair)}/USD`, 1);
  steps.accept('XAU/USD', 2000);
  expect(steps.allows('XAG/USD', 50)).toBe(false);

  steps.accept('XPT/USD', 900);

  expect(steps.allows('XAG/USD', 50)).toBe(true);
  expect(steps.allows('XAU/USD', 4000)).toBe(false);
});
