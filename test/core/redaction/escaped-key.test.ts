import { describe, expect, it } from 'vitest';
import { matchEscaped } from '../../../src/core/redaction/escaped-key.js';
import { WorkMeter } from '../../../src/core/redaction/work-meter.js';

const KEY = 'sk_live_"0123456789"abcdef';
const BACKSLASH = '\\';

type Ranges = Array<[from: number, to: number]>;

/** A meter that adds up the steps, and never ends the search. */
class StepCounter extends WorkMeter {
  steps = 0;

  constructor() {
    super(undefined);
  }

  override spend(steps: number): boolean {
    this.steps += steps;
    return true;
  }
}

/** Where `key` stands in `text`, and how many steps the search took. */
function search(text: string, key: string = KEY): { ranges: Ranges; steps: number } {
  const meter = new StepCounter();
  const ranges: Ranges = [];
  expect(matchEscaped(text, key, ranges, meter)).toBe(true);
  return { ranges, steps: meter.steps };
}

/** The key with so many backslashes before its first quote. */
const escaped = (levels: number): string => KEY.replace('"', `${BACKSLASH.repeat(levels)}"`);

describe('the search for a key among escapes', () => {
  it('says so when it had no time to finish', () => {
    const text = `of ${[...KEY].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')}`;
    const searchFor = (hasTime: boolean): [boolean, Ranges] => {
      const meter = new WorkMeter({ hasTimeToSearch: () => hasTime });
      meter.spend(10_000_000);
      const ranges: Ranges = [];
      return [matchEscaped(text, KEY, ranges, meter), ranges];
    };

    expect(searchFor(true)).toEqual([true, expect.arrayContaining([[3, text.length]])]);
    expect(searchFor(false)).toEqual([false, []]);
  });

  it('takes no step in a text without an escape', () => {
    expect(search(`of ${KEY}`)).toEqual({ ranges: [], steps: 0 });
  });

  it('follows 16 backslashes before a character, and no more', () => {
    expect(search(`of ${escaped(16)}`).ranges).toContainEqual([3, 3 + escaped(16).length]);
    expect(search(`of ${escaped(17)}`).ranges).toEqual([]);
  });

  it('finds a key whose first character is escaped more often from the last 16 backslashes on', () => {
    const { ranges } = search(`of ${BACKSLASH.repeat(40)}${KEY}`);

    expect(Math.min(...ranges.map(([from]) => from))).toBe(3 + 40 - 16);
  });

  it('follows 32 readings of one text at once: the first ones of a key that itself looks like escapes', () => {
    const steps = (length: number): number => search(BACKSLASH.repeat(length), BACKSLASH.repeat(8)).steps;
    const readings = [1, 17, 32, 32, 32, 32, 32, 32, 32];

    expect(steps(301) - steps(300)).toBe(4 * readings.reduce((sum, each) => sum + each));
  });

  it('passes over a long run of backslashes', () => {
    expect(search(BACKSLASH.repeat(10_000)).steps).toBeLessThan(1_000);
    expect(search(`${BACKSLASH.repeat(10_000)}n${BACKSLASH.repeat(10_000)}n`).steps).toBeLessThan(2_000);
  });

  it('looks at every backslash for a key that begins with one', () => {
    const key = `${BACKSLASH}0123456789abcdef`;

    expect(search(`of ${BACKSLASH.repeat(40)}${key}`, key).ranges).toContainEqual([3 + 40, 3 + 40 + key.length]);
  });
});
