import { describe, expect, it } from 'vitest';
import { findEnd, HELD_FORMS, listGoneForms, writeForm, type Form } from '../../../src/core/redaction/key-forms.js';

/** Every character that a key may have. */
const ALL = String.fromCharCode(...Array.from({ length: 94 }, (_none, index) => 0x21 + index));
const KEYS = [
  ALL,
  'abcdefgh',
  'sk_live_0123456789abcdefXYZ',
  '>>>~~~???+++///',
  '\u00e9\u00ff\u00fc\u00e9\u00ff\u00fc\u00e9\u00ff\u00fc',
];

const bytesOf = (key: string): Buffer => Buffer.from(key, 'latin1');
const hexOf = (key: string): string => bytesOf(key).toString('hex');
const decimalsOf = (key: string): string => bytesOf(key).join('');

/** The digits of base64 that a key alone decides, after so many bytes of something else, as text is compared. */
const base64Of = (key: string, before: number): string =>
  bytesOf(`${'?'.repeat(before)}${key}??`)
    .toString('base64')
    .slice(Math.ceil((before * 8) / 6), Math.floor(((before + key.length) * 8) / 6))
    .toLowerCase()
    .replaceAll('+', '');

const percentEncoded = (key: string, kept: string): string =>
  key.replace(/[^a-z0-9]/gi, (char) => (kept.includes(char) ? char : `%${hexOf(char)}`)).toLowerCase();

/** How each form of a held key is to read, in their order. */
const written: ReadonlyArray<[name: string, spaced: boolean, write: (key: string) => string]> = [
  ['hex', true, hexOf],
  ['hex of the first 50 bytes', true, (key) => (key.length > 50 ? hexOf(key.slice(0, 50)) : '')],
  ['hex, each byte after 0x', true, (key) => hexOf(key).replace(/../g, (byte) => `0x${byte}`)],
  ['the numbers of its bytes', true, decimalsOf],
  ['the numbers of the first 100 bytes', true, (key) => (key.length > 100 ? decimalsOf(key.slice(0, 100)) : '')],
  ['the numbers of its bytes, each after its place', true, (key) => [...bytesOf(key)].map((byte, at) => `${at}${byte}`).join('')],
  ['base64', true, (key) => base64Of(key, 0)],
  ['base64 after one byte', true, (key) => base64Of(key, 1)],
  ['base64 after two bytes', true, (key) => base64Of(key, 2)],
  ['a number', false, () => ''],
]; // prettier-ignore

const read = (codes: Uint8Array): string => Buffer.from(codes).toString('latin1');
/** The last form: a key of digits, as JavaScript prints the number. */
const asNumber = (key: string): string => read(writeForm(HELD_FORMS.at(-1) as Form, key));

describe('the forms of a held key', () => {
  it('are as many as are named here', () => {
    expect(HELD_FORMS).toHaveLength(written.length);
  });

  it.each(written.map(([name, spaced, write], index) => ({ name, spaced, write, form: HELD_FORMS[index] as Form })))(
    'show it in small letters: $name',
    ({ name, spaced, write, form }) => {
      for (const key of [...KEYS, ALL.repeat(2)]) {
        expect(read(writeForm(form, key)), key).toBe(write(key));
        expect(read(writeForm(form, bytesOf(key))), key).toBe(write(key));
      }
      expect({ spaced: form.spaced, base64: form.base64 }).toEqual({ spaced, base64: name.startsWith('base64') });
    },
  );

  it.each(HELD_FORMS.slice(0, -1).map((form, index) => ({ form, name: written[index]?.[0] })))(
    'end with the eight characters that the end of the key makes: $name',
    ({ form }) => {
      for (const key of [...KEYS, ALL.repeat(2)]) {
        const to = findEnd(form, key);
        if (to === 0) continue;
        const room = new Uint8Array(128);
        const end = read(room.subarray(0, form.write(key, Math.max(0, to - form.tail), to, room)));
        expect(end.length, key).toBeGreaterThanOrEqual(8);
        expect(read(writeForm(form, key)).endsWith(end), key).toBe(true);
      }
    },
  );

  it('are cut where the first part alone is printed, which the whole of a shorter key is not', () => {
    const [, hexCut, , , decimalsCut] = HELD_FORMS as [Form, Form, Form, Form, Form];
    expect([50, 51].map((length) => read(writeForm(hexCut, 'k'.repeat(length))))).toEqual(['', '6b'.repeat(50)]);
    expect([100, 101].map((length) => read(writeForm(decimalsCut, 'k'.repeat(length))))).toEqual(['', '107'.repeat(100)]);
  }); // prettier-ignore
});

describe('a key of digits, as a number,', () => {
  it.each([
    ['0012345678', '12345678'],
    ['9007199254740993', '9007199254740992'],
    ['12345678901234567890', '12345678901234567000'],
    ['1234567890123456789012', '1.2345678901234568e+21'],
  ])('is rounded, and has no leading zeros: %s', (key, number) => {
    expect(asNumber(key)).toBe(number);
  });

  it.each([
    ['is printed as it is', '1234567890'],
    ['is more than any number', '7'.repeat(400)],
    ['has a point', '12345678.00'],
    ['has an exponent', '12345678e2'],
    ['has a sign', '+12345678'],
    ['is hex', '0x12345678'],
    ['has a letter at its end', '12345678a'],
  ])('has no form of its own when it %s', (_why, key) => {
    expect(asNumber(key)).toBe('');
  });
});

describe('the forms of a key that goes', () => {
  const list = (key: string): string[] => listGoneForms(bytesOf(key)).map(({ codes }) => read(codes));
  const held = (key: string): string[] => written.map(([, , write]) => write(key)).filter((form) => form.length >= 8);

  it('are the raw one, those of JSON and of URLs, and those of a held key', () => {
    expect(list(ALL)).toEqual([
      ALL.toLowerCase(),
      JSON.stringify(ALL).slice(1, -1).toLowerCase(),
      encodeURIComponent(ALL).toLowerCase(),
      encodeURIComponent(ALL).replaceAll("'", '%27').toLowerCase(),
      new URLSearchParams({ key: ALL }).toString().slice('key='.length).toLowerCase(),
      percentEncoded(ALL, '-_.~'),
      percentEncoded(ALL, "-_.!~*'():$,[]"),
      encodeURI(ALL).toLowerCase(),
      new URL(`http://h/?${ALL.replace('#', '%23')}`).search.slice(1).toLowerCase(),
      ...held(ALL),
    ]);
  }); // prettier-ignore

  it('may be spaced where those of a held key may, and nowhere else', () => {
    const spaced = listGoneForms(bytesOf(ALL)).map(({ form }) => form.spaced);
    expect(spaced).toEqual([...Array.from({ length: 9 }, () => false), ...held(ALL).map(() => true)]);
  });

  it('are listed once each, and not when they are shorter than eight characters', () => {
    expect(list('abcdefgh')).toEqual(['abcdefgh', ...held('abcdefgh')]);
    expect(list('abcdefg')).toEqual(held('abcdefg'));
    expect(list('0000000012').at(-1), 'the number 12 has two characters').toBe(base64Of('0000000012', 2));
    expect(list('0012345678').at(-1)).toBe('12345678');
  });

  it('are listed up to 32,767 characters', { timeout: 60_000 }, () => {
    const lengths = (length: number): number[] => list('a'.repeat(length)).map((form) => form.length);
    expect(lengths(32_767)).toEqual([32_767, 100, 200]);
    expect(lengths(32_768)).toEqual([100, 200]);
  });
});
