import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretMatcher } from '../../../src/core/redaction/secret-matcher.js';
import { KEYS, PLAIN, QUOTED, SPECIAL } from './encodings.js';
import { REDACTED, redactValue } from './helpers.js';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const base64url = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');
const times = <T>(count: number, change: (value: T) => T, value: T): T =>
  Array.from({ length: count }).reduce<T>((changed) => change(changed), value);
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

describe.each(KEYS)('of the text around %s', (key) => {
  it.each<[string, (key: string) => string]>([
    ['URL-encoded twice', (text) => times(2, encodeURIComponent, text)],
    ['URL-encoded three times', (text) => times(3, encodeURIComponent, text)],
    ['JSON in JSON', (text) => times(2, inJson, text)],
    ['JSON in JSON in JSON in JSON', (text) => times(4, inJson, text)],
    ['JSON in JSON, each character as \\u00xx', (text) => text.replace(/./g, (char) => `\\\\u00${code(char)}`)],
    ['a list of byte values', (text) => Buffer.from(text, 'latin1').join(',')],
    ['a list of byte values with spaces', (text) => Buffer.from(text, 'latin1').join(', ')],
    ['as a Buffer is shown', (text) => inspect(Buffer.from(text, 'latin1')).slice('<Buffer '.length, -1)],
  ])('nothing is taken, and of the key nothing left: %s', (_name, encode) => {
    expect(redactValue(`a "${encode(key)}" b`, [key])).toBe(`a "${REDACTED}" b`);
  });

  it('in base64 the whole run is taken, with what pads it, and no more', () => {
    for (const prefix of ['', ':', 'u:', 'us:', '~?>~']) {
      for (const suffix of ['', '?', '?>', '?>~']) {
        for (const encode of [base64, base64url]) {
          const run = encode(`${prefix}${key}${suffix}`);
          expect(redactValue(`Basic ${run}, b`, [key]), run).toBe(`Basic ${REDACTED}, b`);
          expect(redactValue(run, [key]), run).toBe(REDACTED);
        }
      }
    }
  });
});

const code = (char: string): string => char.charCodeAt(0).toString(16).padStart(2, '0');

describe('a run of base64', () => {
  const run = base64(PLAIN).replaceAll('=', '');

  it('goes on over each of its characters', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_';
    for (const char of alphabet) {
      expect(redactValue(`. ${char}${run}${char} .`, [PLAIN]), char).toBe(`. ${REDACTED} .`);
    }
  });

  it('may be broken at any place, and goes on after the break', () => {
    const key = 'key-for-nothing';
    expect(base64(key).slice(-8)).toMatch(/[nrt]/);
    for (const shown of [base64(key), Buffer.from(key).toString('hex')]) {
      for (let at = 1; at < shown.length; at++) {
        for (const end of ['\n', ' ', ', ', '\\n', '\\r\\n\\t']) {
          const text = `${shown.slice(0, at)}${end}${shown.slice(at)}`;
          expect(redactValue(`. ${text} .`, [key]), text).not.toContain(shown.slice(-8, -4));
        }
      }
    }
  });

  it('ends at every other character', () => {
    for (const char of ' !"#$%&\'()*,.:;<>?@[\\]^`{|}~\u00e9\n') {
      expect(redactValue(`${char}${run}${char}`, [PLAIN]), char).toBe(`${char}${REDACTED}${char}`);
    }
    expect(redactValue(`a=${run}==b`, [PLAIN])).toBe(`a=${REDACTED}b`);
  });

  it('of the key with slashes and plus signs is found in both alphabets', () => {
    for (const key of ['what?is?this???', '>>>>>>>>>>', '~~~?~~~?~~~']) {
      for (const prefix of ['', ':', '::']) {
        expect(redactValue(base64(prefix + key), [key])).toBe(REDACTED);
        expect(redactValue(base64url(prefix + key), [key])).toBe(REDACTED);
      }
    }
  });
});

describe('a key', () => {
  it('that is found in two places that overlap gives one mark', () => {
    expect(redactValue('x ababababab y', ['abababab'])).toBe(`x ${REDACTED} y`);
    expect(redactValue('x abcdefghijkl y', ['efghijkl', 'abcdefgh'])).toBe(`x ${REDACTED} y`);
    expect(redactValue('x abcdefghabcdefgh y', ['abcdefgh'])).toBe(`x ${REDACTED}${REDACTED} y`);
  });

  it('that ends with a backslash leaves none behind', () => {
    const key = 'ends-with-a\\';
    for (const levels of [0, 1, 2]) {
      const text = `"${times(levels, inJson, key)}"`;
      expect(redactValue(text, [key]), text).toBe(`"${REDACTED}"`);
    }
  });

  it('with a percent sign is found as it is, encoded, and encoded twice', () => {
    const key = '100%25%41sure';
    for (const levels of [0, 1, 2]) {
      const text = `"${times(levels, encodeURIComponent, key)}"`;
      expect(redactValue(text, [key]), text).toBe(`"${REDACTED}"`);
    }
  });

  it('is found in the other letter case with the rest escaped', () => {
    expect(redactValue('. A%62cdefgh .', ['abcdefgh'])).toBe(`. ${REDACTED} .`);
    expect(redactValue('. a\\u0042cdefgh .', ['ABCDEFGH'])).toBe(`. ${REDACTED} .`);
  });

  it('may have each character escaped sixteen times, and no more', () => {
    const encoded = (levels: number): string => `%${'25'.repeat(levels - 1)}6`;
    const escaped = (levels: number): string => `${'\\'.repeat(levels)}u006`;
    for (const escape of [encoded, escaped]) {
      expect(redactValue(`${escape(16)}1bcdefgh .`, ['abcdefgh'])).toBe(`${REDACTED} .`);
      expect(redactValue(`a${escape(16)}2cdefgh .`, ['abcdefgh'])).toBe(`${REDACTED} .`);
      expect(redactValue(`a${escape(17)}2cdefgh .`, ['abcdefgh'])).toBe(`a${escape(17)}2cdefgh .`);
    }
    expect(redactValue(`${encoded(17)}1bcdefgh .`, ['abcdefgh'])).toBe(`${encoded(17)}1bcdefgh .`);
    expect(redactValue(`${escaped(17)}1bcdefgh .`, ['abcdefgh'])).toBe(`\\${REDACTED} .`);
  });

  it('of more backslashes than that is found whole in JSON', () => {
    const key = `${'\\'.repeat(20)}"quoted`;
    expect(redactValue(JSON.stringify(key), [key])).toBe(`"${REDACTED}"`);
  });

  it('is not held by a text that only looks as if something were escaped in it', () => {
    const matcher = new SecretMatcher(['abcdefgh']);
    for (const text of ['a 100 % answer', 'a%62 and more of it', 'C:\\abc\\def'])
      expect(matcher.contains(text)).toBe(false);
    expect(matcher.contains('%61bcdefgh')).toBe(true);
  });

  it('of one letter is found wherever it stands in a longer run of it', () => {
    expect(redactValue(`b${'a'.repeat(100)}b`, ['a'.repeat(60)])).toBe(`b${REDACTED}b`);
  });

  it('is found wherever it stands in a long text, and as often', () => {
    for (const at of [0, 4_080, 4_090, 4_096, 5_000, 8_185, 8_192]) {
      const [before, after] = ['. '.repeat(at / 2), ' .'.repeat(2_500)];
      expect(redactValue(`${before}${PLAIN}${after}${PLAIN} .`, [PLAIN]), String(at)).toBe(`${before}${REDACTED}${after}${REDACTED} .`);
    }
  }); // prettier-ignore

  it('that stands in another one is not left behind with the rest of that', () => {
    expect(redactValue('. abcdefghijklmnop .', ['abcdefghijklmnop', 'cdefghij'])).toBe(`. ${REDACTED} .`);
    expect(redactValue('. %61bcdefghijklmnop .', ['abcdefghijklmnop', 'cdefghij'])).toBe(`. ${REDACTED} .`);
  });

  it('that repeats itself is found wherever it is whole, and nothing else is taken', () => {
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const letters = (length: number): string => Array.from({ length }, () => 'ab'[random(2)]).join('');
    const collapse = (text: string): string => text.replace(/(?:\[REDACTED\])+/g, REDACTED);
    for (let round = 0; round < 500; round++) {
      const part = letters(1 + random(4));
      const key = (part.repeat(12).slice(0, 9 + random(12)) + letters(random(3))).slice(0, 40);
      const text = `. ${Array.from({ length: 6 }, () => (random(2) ? part.repeat(random(12)) : random(2) ? key : letters(random(6)))).join('')} .`;
      const isHeld = Array.from(text, () => false);
      for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) isHeld.fill(true, at, at + key.length);
      const clean = Array.from(text, (char, at) => (isHeld[at] ? REDACTED : char)).join('');
      expect(collapse(redactValue(text, [key])), `${key} in ${text}`).toBe(collapse(clean));
    }
  }); // prettier-ignore

  it('of eight characters is removed, what is shorter is taken for none', () => {
    expect(redactValue('12345678', ['12345678'])).toBe(REDACTED);
    expect(redactValue('my key is 1234567', ['1234567'])).toBe('my key is 1234567');
    expect(redactValue(['1234567', base64('1234567')], ['1234567', SPECIAL])).toEqual(['1234567', base64('1234567')]);
  });
});

describe('what looks like an encoded key and is none', () => {
  it.each([
    ['a percent sign for a letter', 'abc%efgh', 'abcdefgh'],
    ['a backslash for a letter', 'abc\\efgh', 'abcdefgh'],
    ['a backtick for an at sign', 'abc`efgh', 'abc@efgh'],
    ['another letter, URL-encoded', 'abc%41efgh', 'abcdefgh'],
    ['another letter, URL-encoded twice', 'abc%2541efgh', 'abcdefgh'],
    ['another letter, JSON-escaped', 'abc\\u0041efgh', 'abcdefgh'],
    ['another letter, URL-encoded, before the digits of the letter', 'a%4162cdefgh', 'abcdefgh'],
    ['any letter after a backslash for a NUL', 'abc\\zefgh', 'abc\0efgh'],
    ['the letter, JSON-escaped without a u', 'abc\\z0064efgh', 'abcdefgh'],
    ['the letter, after \\z', 'abc\\z64efgh', 'abcdefgh'],
    ['the letter, after a u without a backslash', 'au0062cdefgh \\', 'abcdefgh'],
    ['too few digits after \\u', 'abc\\u064efgh', 'abcdefgh'],
    ['a slash for a digit', 'a%7/Spbcde', 'aoSpbcde'],
    ['a colon for a digit', 'ao%7:pbcde', 'aoSpbcde'],
    ['a g for a digit', 'aoS%6gbcde', 'aoSpbcde'],
    ['an end in the middle of an escape', 'abcdefg%6', 'abcdefgh'],
    ['the rest of the key before its wrong beginning, URL-encoded', 'Xcdefgh a%41', 'abcdefgh'],
    ['the rest of the key before its wrong beginning, JSON-escaped', 'Xcdefgh a\\u0041', 'abcdefgh'],
  ])('stays: %s', (_name, text, key) => {
    expect(redactValue(text, [key])).toBe(text);
    expect(redactValue(`${text} and ${key}`, [key])).toBe(`${text} and ${REDACTED}`);
  });

  it('stays beside a key that is there', () => {
    expect(redactValue(`${QUOTED.slice(1)} ${QUOTED}`, [QUOTED])).toBe(`${QUOTED.slice(1)} ${REDACTED}`);
  });
});
