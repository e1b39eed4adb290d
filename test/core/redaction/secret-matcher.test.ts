import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GoneKeys, type GoneForm } from '../../../src/core/redaction/gone-keys.js';
import { PatternTable } from '../../../src/core/redaction/pattern-table.js';
import { SecretMatcher } from '../../../src/core/redaction/secret-matcher.js';
import { hashWindow } from '../../../src/core/redaction/window-hash.js';
import { WorkMeter } from '../../../src/core/redaction/work-meter.js';
import { NOT_SEARCHED, REDACTED, redactValue, scrub } from './helpers.js';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const goneAll = (...keys: string[]): GoneForm[] => {
  const gone = new GoneKeys();
  for (const key of keys) gone.add(Buffer.from(key, 'latin1'));
  return gone.list();
};
const redact = (text: string, keys: readonly string[], gone: readonly GoneForm[] = []): string =>
  new SecretMatcher(keys, gone).redact(text);

afterEach(() => void vi.restoreAllMocks());

/** Steps of one search. */
const countSteps = (text: string, keys: readonly string[], gone: readonly GoneForm[]): number => {
  const spend = vi.spyOn(WorkMeter.prototype, 'spend');
  redact(text, keys, gone);
  const steps = spend.mock.calls.reduce((sum, [count]) => sum + count, 0);
  spend.mockRestore();
  return steps;
};

/**
 * The least steps of a search for each of five keys of 24 characters, with a stranger of 24: now and then other characters
 * have the hash of eight of a key, which costs a few steps more.
 */
const leastSteps = (make: (key: string, other: string) => [text: string, keys: string[], gone?: GoneForm[]]): number =>
  Math.min(
    ...Array.from({ length: 5 }, (_none, index) => {
      const [text, keys, gone = []] = make(digest(`key ${index}`).slice(0, 24), digest(`other ${index}`).slice(0, 24));
      return countSteps(text, keys, gone);
    }),
  );

describe('the search of a text takes', () => {
  it('a step for each character', () => {
    for (const length of [8, 4_095, 4_096, 4_097, 5_000])
      expect(leastSteps((key) => ['x'.repeat(length), [key]])).toBe(length);
  });

  it('one more for each character of a key, which is looked at once, whether it is there or not', () => {
    expect(leastSteps((key) => [key, [key]])).toBe(24 + 24);
    expect(leastSteps((key) => [`${key.slice(0, -1)}!`, [key]])).toBe(24 + 23);
    expect(leastSteps((key) => [`${key} ${key}`, [key]])).toBe(49 + 2 * 24);
  });

  it('as many as two keys have in common with it, and none for the rest of the one that is there', () => {
    for (const isFirst of [true, false]) {
      const steps = leastSteps((key, other) => {
        const like = `${key.slice(0, 12)}${other.slice(0, 12)}`;
        return [key, isFirst ? [key, like] : [like, key]];
      });
      expect(steps).toBe(24 + 24 + 12);
    }
  });

  it('as many as the longest run of a key that repeats itself, of those that could begin at a place', () => {
    const before = '. '.repeat(20);
    for (const mark of ['"', "'", '`', '*']) {
      const make = (from: number) => (_key: string, other: string): [string, string[]] => {
        const key = `${'xy'.repeat(5)}${other.slice(0, 6)}`;
        return [`${before}${mark}${key.slice(from)}${mark} .`, [key]];
      };
      expect(leastSteps(make(0)), 'the end of the first eight, then the whole key').toBe(60 + 8 + 16);
      // Seven of them behind a mark may have the hash of eight: then the run is met there, where it can have one place alone.
      const isMetEarlier = hashWindow(Buffer.from(`${mark}xyxyxyx`), 8) === hashWindow(Buffer.from('yxyxyxyx'), 8);
      expect(leastSteps(make(2)), 'all but two, then the end of the first eight').toBe(58 + 14 + (isMetEarlier ? 0 : 8));
    }
  }); // prettier-ignore

  it('one for each character of a form, which is looked at once', () => {
    const hex = (key: string): string => Buffer.from(key).toString('hex');
    expect(leastSteps((key) => [hex(key), [key]])).toBe(48 + 48);
    expect(leastSteps((key) => [hex(key), [], goneAll(key)])).toBe(48 + 48 + 500);
    expect(leastSteps((key) => [key, [], goneAll(key)])).toBe(24 + 24 + 500);
  });

  it('none for what stands in a run of base64 in which a key was found', () => {
    expect(leastSteps((key) => [base64(key), [key]])).toBe(32 + 32);
    expect(leastSteps((key) => [base64(`${key}:::${key}`), [key]])).toBe(68 + 32);
    expect(leastSteps((key) => [`${base64(key)}.${base64(key)}`, [key]])).toBe(65 + 2 * 32);
  });

  it('none for a text that only has its place among the slots', () => {
    const gone = goneAll(digest('key'));
    const hashes = new Set(gone.map(({ hash }) => hash));
    const slots = new Set(gone.map(({ hash }) => hash >>> 4));
    let other = '';
    for (let number = 0; number < 200_000 && other === ''; number++) {
      const text = number.toString(36).padStart(8, 'z');
      const hash = hashWindow(Buffer.from(text), 8);
      if (slots.has(hash >>> 4) && !hashes.has(hash)) other = text;
    }
    expect(other).not.toBe('');
    expect(countSteps(other, [], gone)).toBe(8);
  });
});

describe('a text that cannot hold a key', () => {
  const writes = (text: string, keys: readonly string[]): number => {
    const write = vi.spyOn(Buffer.prototype, 'write');
    expect(new SecretMatcher(keys).redact(text)).toBe(text);
    const { length } = write.mock.calls;
    write.mockRestore();
    return length;
  };

  it('because it is too short is not read', () => {
    expect(writes('abcdefg', ['abcdefgh'])).toBe(0);
    expect(writes('a text ', ['abcdefgh'])).toBe(0);
    expect(writes('a text .', ['abcdefgh'])).toBe(1);
  });

  it('because there is no key, or none that is long enough, is not read', () => {
    expect(writes('a text of more than eight characters', [])).toBe(0);
    expect(writes('a text of more than eight characters', ['abcdefg', ''])).toBe(0);
  });

  it('is read 4,096 characters at a time', () => {
    expect([4_096, 4_097, 8_192, 8_193].map((length) => writes('x'.repeat(length), ['abcdefgh']))).toEqual([1, 2, 2, 3]);
  }); // prettier-ignore

  it('meets few slots that are taken', () => {
    const text = Array.from({ length: 64 }, (_none, index) => digest(String(index))).join('');
    const get = vi.spyOn(PatternTable.prototype, 'get');
    expect(redact(text, ['abcdefghijklmnop'])).toBe(text);
    expect(get.mock.calls.length).toBeLessThan(1_000);
  });
});

describe('a key', () => {
  it('is looked for again behind a character in it that differs', () => {
    expect(redact('. abcdefgh#jklmnopqrst" .', ['abcdefghijklmnopqrst'])).toBe(`. abcdefgh#${REDACTED}" .`);
  });

  it('is found although a longer one begins as it does', () => {
    for (const keys of [['abcdefghij', 'abcdefghijXX'], ['abcdefghijXX', 'abcdefghij']])
      expect(redact('. abcdefghij .', keys)).toBe(`. ${REDACTED} .`);
  }); // prettier-ignore

  it('of eight characters is found wherever it stands in a long text', () => {
    for (let at = 4_080; at <= 4_100; at++)
      expect(redact(`${'.'.repeat(at)}abcdefgh.`, ['abcdefgh']), String(at)).toBe(`${'.'.repeat(at)}${REDACTED}.`);
  });

  it('is not found in another script, whose characters are read as the same bytes', () => {
    const key = 'sk_live_0123456789';
    const other = String.fromCharCode(...Array.from(key, (char) => char.charCodeAt(0) + 0x100));
    expect(redact(`of ${other} .`, [key])).toBe(`of ${other} .`);
    expect(redact(`of ${other} .`, [], goneAll(key))).toBe(`of ${other} .`);
  });

  it('is found in base64 at the very start of a text', () => {
    expect(redact(base64('>>>>>>>>'), ['>>>>>>>>'])).toBe(REDACTED);
  });

  it('is found in hex with backslashes between the bytes', () => {
    expect(redact('of 73\\6b\\5f\\6c\\69\\76\\65\\5f .', ['sk_live_'])).toBe(`of ${REDACTED} .`);
  });

  it('that is gone is removed whole, although it holds another one in base64', () => {
    const inner = 'an-inner-key';
    const outer = `user:${base64(inner)}xyz`;
    expect(redact(`. ${outer} .`, [], goneAll(inner, outer))).toBe(`. ${REDACTED} .`);
    expect(redact(`. ${outer} .`, [inner], goneAll(outer))).toBe(`. ${REDACTED} .`);
  });
});

describe('the space between two characters of a form', () => {
  const key = 'sk_live_0123456789';
  const hex = Buffer.from(key).toString('hex');

  it.each<[string, SecretMatcher]>([
    ['held', new SecretMatcher([key])],
    ['gone', new SecretMatcher([], goneAll(key))],
  ])('is 255 characters at most: of a key that is %s', (_name, matcher) => {
    const spaced = (length: number): string => `${hex.slice(0, 2)}${' '.repeat(length)}${hex.slice(2)} .`;
    expect(matcher.redact(spaced(255))).toBe(`${REDACTED} .`);
    expect(matcher.redact(spaced(256))).toBe(spaced(256));
  });
});

describe('a text without its key', () => {
  const key = 'sk_live_0123456789';

  it('is what it was, whatever the script', () => {
    for (const rest of ['plain text', 'caf\u00e9 \u00ff', '\u6771\u4eac \u20ac', '\ud83e\udd47', 'half of one: \ud83e'])
      expect(redact(`${rest} ${key} ${rest}`, [key])).toBe(`${rest} ${REDACTED} ${rest}`);
  });

  it('takes a byte for each character where one is enough', () => {
    const size = (text: string): number => serialize(redact(`${text}${key}`, [key])).length;
    expect(size('e'.repeat(100))).toBeLessThan(130);
    expect(size('\u00e9'.repeat(100))).toBeLessThan(130);
    expect(size('\u20ac'.repeat(100))).toBeGreaterThan(200);
  });
});

describe('a text for which there is no time', () => {
  /** Searches with so many looks at the time before it is over. */
  const search = (text: string, keys: readonly string[], gone: readonly GoneForm[] = [], looks = 0) => {
    let asked = 0;
    const matcher = new SecretMatcher(keys, gone, { hasTimeToSearch: () => ++asked <= looks });
    return { left: matcher.redact(text), asked, isHeld: matcher.contains(text) };
  };

  it('gives way to a mark, and may hold a key', () => {
    const text = 'x'.repeat(270_000);
    expect(search(text, ['sk_live_0123456789'])).toEqual({ left: NOT_SEARCHED, asked: 1, isHeld: true });
    const { left, isHeld } = search(text, ['sk_live_0123456789'], [], 1_000);
    expect([left === text, isHeld]).toEqual([true, false]);
  });

  it('is searched no further, be it the text, a key in it or an escape that takes so long', () => {
    const gone = goneAll('sk_live_0123456789');
    expect(search('sk_live_0123456789 '.repeat(600), [], gone)).toMatchObject({ left: NOT_SEARCHED, asked: 1 });
    const hex = `${Buffer.from('sk_live_0123456789').toString('hex')} `;
    expect(search(hex.repeat(600), [], gone)).toMatchObject({ left: NOT_SEARCHED, asked: 1 });
    expect(search('%'.repeat(60_000), ['sk_live_0123456789'])).toMatchObject({ left: NOT_SEARCHED, asked: 1 });
  });
});

describe('a matcher', () => {
  const key = 'sk_live_0123456789';
  const hex = Buffer.from(key).toString('hex');

  it('zeroes on demand what it made of its keys, and makes it again for the next text', () => {
    const matcher = new SecretMatcher([key]);
    matcher.clear();
    expect(matcher.redact(hex)).toBe(REDACTED);
    const fill = vi.spyOn(Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array, 'fill');
    matcher.clear();
    expect(fill.mock.contexts.map((bytes) => (bytes as Uint8Array).length)).toContain(hex.length);
    expect(fill.mock.calls.every(([value]) => value === 0)).toBe(true);
    fill.mockRestore();
    expect(matcher.redact(hex)).toBe(REDACTED);
  });

  it('zeroes it when the search of a value is over, whether the key was found or not', () => {
    const fill = vi.spyOn(Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array, 'fill');
    for (const search of [
      () => redactValue(hex, [key]),
      () => redactValue({ almost: `00${hex.slice(2)}` }, [key]),
      () => scrub(new Error(hex), [key]),
    ]) {
      fill.mockClear();
      search();
      expect(fill.mock.contexts.map((bytes) => (bytes as Uint8Array).length)).toContain(hex.length);
    }
  });

  it('leaves nothing of a text where it read it', () => {
    const write = vi.spyOn(Buffer.prototype, 'write');
    for (const text of [`of ${key}`, `${'long '.repeat(2_000)}${key}`]) {
      write.mockClear();
      redact(text, [key]);
      expect((write.mock.contexts[0] as Buffer).every((byte) => byte === 0)).toBe(true);
    }
  });
});
