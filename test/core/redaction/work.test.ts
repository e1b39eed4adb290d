import { afterEach, describe, expect, it, vi } from 'vitest';
import { GoneKeys } from '../../../src/core/redaction/gone-keys.js';
import * as hurried from '../../../src/core/redaction/redact.js';
import { SecretMatcher } from '../../../src/core/redaction/secret-matcher.js';
import { PLAIN, SPECIAL } from './encodings.js';
import { errorWith, NOT_SEARCHED, REDACTED, redactValue, scrub } from './helpers.js';
import { leaksInGraph } from './leaks.js';

const { taintedContainers } = (await import(new URL('../../bench/lib/tainted.mjs', import.meta.url).href)) as {
  taintedContainers(key: string): Record<string, () => unknown>;
};

/** How it stood, counted rather than timed: the clock is read at most once every 64 entries or 16,384 steps. */
const READINGS = 1 + 13 + 21;
const STEPS_BEFORE_FIRST = 262_144;
const STEPS_BETWEEN = 16_384;

const gone = new GoneKeys();
for (let key = 0; key < 16; key++) gone.add(Buffer.from(`${PLAIN}${key}`));

afterEach(() => void vi.restoreAllMocks());

/** Each reading of the clock is a millisecond after the last one. Returns how often it was read. */
const ticking = (): (() => number) => {
  let readings = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => readings++);
  return () => readings;
};

/** The walk of the test decodes each text in all ways: of ten thousand that is enough for the first ones and the last. */
const leaks = (value: unknown, key: string): string[] => leaksInGraph(value, key, 3);

describe.each(Object.keys(taintedContainers(PLAIN)))('%s', { timeout: 120_000 }, (name) => {
  const make = taintedContainers(PLAIN)[name] as () => unknown;

  it('leaks nothing when there is no time for all of it', () => {
    ticking();
    expect(leaks(hurried.redactValue(make(), [PLAIN]), PLAIN)).toEqual([]);
    expect(leaks(hurried.scrub(make(), [PLAIN]), PLAIN)).toEqual([]);
    const error = errorWith(make());
    expect(hurried.scrub(error, [PLAIN])).toBe(error);
    expect(leaks(error, PLAIN)).toEqual([]);
  });

  it('is left after so many readings of the clock, whichever way it comes', () => {
    const forms = gone.list();
    for (const run of [
      () => hurried.redactValue(make(), [PLAIN], forms),
      () => hurried.scrub(make(), [PLAIN], forms),
      () => hurried.scrub(errorWith(make()), [PLAIN], forms),
    ]) {
      const readings = ticking();
      run();
      expect(readings()).toBeLessThanOrEqual(READINGS);
      vi.restoreAllMocks();
    }
  });
});

describe('ten thousand getters', () => {
  const reads = (now: () => number): number => {
    let count = 0;
    const value = {};
    for (let index = 0; index < 10_000; index++) {
      Object.defineProperty(value, `p${index}`, { enumerable: true, get: () => `${count++}` });
    }
    vi.spyOn(performance, 'now').mockImplementation(now);
    hurried.redactValue({ value, key: PLAIN }, [PLAIN]);
    return count;
  };

  it('are read at most 1,064 times when the time is over at once', () => {
    let now = 0;
    expect(reads(() => now++ * 60_000)).toBeLessThanOrEqual(1_064);
  });

  it('are all read when it is not', () => {
    expect(reads(() => 1)).toBe(10_000);
  });
});

describe('an error of ten thousand names with the key', () => {
  const make = (): Error =>
    Object.assign(new Error('failed'), Object.fromEntries(Array.from({ length: 9_990 }, (_none, i) => [`${i} ${PLAIN}`, i])));

  it('loses those for which there is no time, in the search or after it', () => {
    for (const readings of [0, 145]) {
      let left = readings;
      vi.spyOn(performance, 'now').mockImplementation(() => (left-- >= 0 ? 1 : 60_000));
      const error = make();
      expect(hurried.scrub(error, [PLAIN])).toBe(error);
      expect(Object.keys(error).length).toBeGreaterThan(900);
      expect(Object.keys(error).length).toBeLessThan(1_100);
      expect(Object.keys(error).at(-1)).toBe(NOT_SEARCHED);
      expect(leaks(error, PLAIN)).toEqual([]);
      vi.restoreAllMocks();
    }
  });
}); // prettier-ignore

describe('what never ends while the clock stands still', () => {
  it('is left after 100,000 entries', () => {
    let given = 0;
    const endless = {
      [Symbol.toStringTag]: 'Headers',
      *[Symbol.iterator]() {
        for (;;) yield [String(given++), 'value'];
      },
    };
    const value = Object.setPrototypeOf(endless, { own: true }) as object;
    expect(redactValue({ value }, [PLAIN]).value).toBe(NOT_SEARCHED);
    expect(given).toBeGreaterThan(10_000);
    expect(given).toBeLessThan(100_100);
  });
});

describe('a text that is searched', { timeout: 120_000 }, () => {
  /** Steps that a search takes: the time is asked for after each so many. */
  const measure = (text: string, keys: readonly string[]): number => {
    let asked = 0;
    const matcher = new SecretMatcher(keys, gone.list(), { hasTimeToSearch: () => ++asked > 0 });
    matcher.redact(text);
    return asked;
  };
  const hex = Buffer.from(PLAIN).toString('hex');
  const key = `${'a'.repeat(15)}b`;
  const long = 'ab'.repeat(2_048);

  it.each<[string, string, readonly string[]]>([
    ['keys', PLAIN, [PLAIN]],
    ['almost the key', `${PLAIN.slice(0, -1)}~`, [PLAIN]],
    ['almost the key, encoded', encodeURIComponent(SPECIAL.slice(0, -1)), [SPECIAL]],
    ['ends of the key', `${PLAIN.slice(-9)} `, [PLAIN]],
    ['ends of its hex', `${hex.slice(-8)} `, [PLAIN]],
    ['ends of its hex, far apart', `${hex.slice(-8)}${' '.repeat(200)}`, [PLAIN]],
    ['ends of a key that is gone', `${PLAIN.slice(-6)}12~`, []],
    ['percent signs', '%', [PLAIN]],
    ['encoded percent signs', '%25', [PLAIN, '%%%%%%%%%%']],
    ['a percent sign that is encoded for ever', '25', [PLAIN, '%%%%%%%%%%']],
    ['backslashes', '\\', [PLAIN]],
    ['escapes', '\\u0061', [key]],
    ['one letter of a key that repeats it', 'a', [key]],
    ['half a key that repeats itself', 'a'.repeat(12), [key]],
  ])('takes steps as it is long, whatever it is made of: %s', (_name, part, keys) => {
    const fill = (length: number): string => `%${part.repeat(Math.ceil(length / part.length))}`.slice(0, length);
    const [half, whole] = [measure(fill(150_000), keys), measure(fill(300_000), keys)];
    expect(whole * STEPS_BETWEEN).toBeGreaterThan(300_000 - STEPS_BEFORE_FIRST - STEPS_BETWEEN);
    expect(whole).toBeLessThanOrEqual(2.5 * half + 20);
    expect(whole * STEPS_BETWEEN).toBeLessThan(300_000 * 700);
  });

  it.each<[string, string, readonly string[]]>([
    ['a key of 4,096 characters, over and over', long, [long]],
    ['all but its end', long.slice(0, -2), [`${long.slice(0, -2)}xy`]],
    ['its letters, encoded', '%61%62', [long]],
    ['backslashes for a key of backslashes', '\\', ['\\'.repeat(12)]],
  ])('is given up in time: %s', (_name, part, keys) => {
    let asked = 0;
    const matcher = new SecretMatcher(keys, [], { hasTimeToSearch: () => ++asked < 3 });
    expect(matcher.redact(part.repeat(Math.ceil(1_000_000 / part.length)))).toBe(NOT_SEARCHED);
    expect(asked).toBe(3);
    expect(matcher.redact('any other text')).toBe(NOT_SEARCHED);
  });

  it('is given up after so many steps while the clock stands still', () => {
    let asked = 0;
    const matcher = new SecretMatcher([long], [], { hasTimeToSearch: () => ++asked > 0 });
    expect(matcher.redact('%61%62'.repeat(20_000))).toBe(NOT_SEARCHED);
    expect(asked * STEPS_BETWEEN).toBeLessThan(80_000_000);
  });

  it('is searched to its end without a bound on the time', () => {
    const text = '%61%62'.repeat(5_000);
    expect(new SecretMatcher([long.slice(0, 100)]).redact(`${text}!`)).toBe(`${REDACTED}!`);
  });
});

describe('entries of every container with time enough', () => {
  it('are all searched, and none is lost', { timeout: 120_000 }, () => {
    const rename = (index: number): string => [...PLAIN].map((char, at) => ((index >> at) & 1 ? `%${char.charCodeAt(0).toString(16)}` : char)).join('');
    const names = Object.fromEntries(Array.from({ length: 9_990 }, (_none, index) => [rename(index), index]));
    const clean = redactValue(names, [PLAIN]);
    expect(Object.values(clean)).toEqual(Array.from({ length: 9_990 }, (_none, index) => index));
    expect(Object.keys(clean)[9_989]).toBe(`${REDACTED} 9990`);
    const error = Object.assign(new Error('failed'), names);
    expect(scrub(error, [PLAIN])).toBe(error);
    expect(Object.keys(error)).toHaveLength(9_990);
    expect(Object.keys(error)[9_989]).toBe(`${REDACTED} 9990`);
  }); // prettier-ignore
});
