import { describe, expect, it } from 'vitest';
import {
  explainUnknownMetal,
  findMetal,
  getMetalName,
  isMetalSymbol,
  KNOWN_METALS,
} from '../../../src/prices/values/metals.js';

describe('a symbol', () => {
  it.each(['XAU', 'XAG', 'XPT', 'XPD', 'XRH', 'RUTH', 'IRD'])('%s is a precious metal, by the troy ounce', (symbol) => {
    expect(findMetal(symbol)).toEqual({ symbol, isTroy: true });
  });

  it.each(['XCU', 'ALU', 'LEAD', 'LITHIUM', 'URANIUM', 'BRONZE'])('%s is a base metal, by no clear ounce', (symbol) => {
    expect(findMetal(symbol)).toEqual({ symbol, isTroy: false });
  });

  it.each([
    ['LBMA-XAU', 'XAU'],
    ['LBMA-XAU-AM', 'XAU'],
    ['LBMA-XAG-PM', 'XAG'],
    ['LBXPTAM', 'XPT'],
    ['LBXPDPM', 'XPD'],
    ['LBXAU', 'XAU'],
    ['LME-XCU', 'XCU'],
    ['LME-XCU-3M', 'XCU'],
    ['LME-ALU3M', 'ALU'],
    ['XNI3M', 'XNI'],
  ])('%s is %s as the markets of London trade it', (symbol, metal) => {
    expect(findMetal(symbol)).toEqual({ symbol: metal, isTroy: true });
  });

  it.each([
    'USD',
    'xau',
    'GOLD',
    '',
    'XAU ',
    'LBMA-XRH',
    'LBMA-XAU-NM',
    'LBMA-XAU--PM',
    'LBMA-XAUPMX',
    'XLBMA-XAU',
    'XAU-PM',
    'LME-XAU',
    'LME-XCU-6M',
    'LME-XCU-3MX',
    'LME-xcu',
    'LME-XCU1',
    'XLME-XCU',
    '1XCU3M',
    'XCU-3M',
    'XCU3MX',
    'USD3M',
    'LME-',
    '3M',
    'toString',
    undefined,
    null,
    7,
    ['XAU'],
    { symbol: 'XAU' },
  ])('%j is no metal', (symbol) => {
    expect(findMetal(symbol)).toBeUndefined();
    expect(isMetalSymbol(symbol)).toBe(false);
  });

  it('of a metal is one', () => {
    expect(['XAU', 'XCU', 'LBMA-XAU', 'XCU3M'].every(isMetalSymbol)).toBe(true);
  });
});

describe('what is said of metals', () => {
  it('names the four metals in English, and any other by its symbol', () => {
    const names = ['XAU', 'XAG', 'XPT', 'XPD', 'XRH'].map((metal) => getMetalName({ metal }));

    expect(names).toEqual(['gold', 'silver', 'platinum', 'palladium', 'XRH']);
  });

  it('explains why one beside the four cannot be had', () => {
    expect(explainUnknownMetal({ metal: 'XPD' })).toBeUndefined();
    expect(explainUnknownMetal({ metal: 'XRH' })).toBe('has XAU, XAG, XPT, XPD per troy ounce, and no other metal');
    expect(explainUnknownMetal({ metal: 'toString' })).toContain('no other metal');
  });

  it('lists what is known', () => {
    expect(KNOWN_METALS).toBe(
      '`XAU`, `XAG`, `XPT`, `XPD`, `XRH`, `RUTH`, `IRD`, a base metal such as `XCU` or `ALU`, or a fixing such as `LBMA-XAU` or `LME-XCU`',
    );
  });
});
