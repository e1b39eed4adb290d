import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestForm } from '../../../src/core/redaction/gone-keys.js';
import { HELD_FORMS, writeForm } from '../../../src/core/redaction/key-forms.js';
import { PatternTable } from '../../../src/core/redaction/pattern-table.js';
import { GonePattern, HeldPattern, type Finding } from '../../../src/core/redaction/patterns.js';
import { SecretMatcher } from '../../../src/core/redaction/secret-matcher.js';
import { hashWindow } from '../../../src/core/redaction/window-hash.js';
import { PLAIN as KEY } from './encodings.js';

const found = (): Finding => ({ from: 7, to: 7, steps: 7 });
/** The forms that this key has. */
const FORMS = HELD_FORMS.map((form) => [Buffer.from(writeForm(form, KEY)).toString('latin1'), form] as const).filter(
  ([written]) => written !== '',
);

describe('the table of what is looked for', () => {
  const count = (...keys: string[]): number => {
    const table = new PatternTable(keys, []);
    let number = 1;
    while (table.get(number) !== undefined) number++;
    return number - 1;
  };

  it('has an entry for each eight characters of a key, and for each of its forms', () => {
    expect(count('abcdefgh')).toBe(1 + 7);
    expect(count(KEY)).toBe(KEY.length - 7 + 7);
    expect(count('0000000012'), 'as a number it has two digits').toBe(3 + 7);
  });

  it('has so few of a key that repeats itself that it costs no more than another', () => {
    const end = 'bcdefghi';
    expect(count('a'.repeat(39))).toBe(32 + 7);
    expect(count('a'.repeat(50)), 'the first 32, and the last').toBe(33 + 7);
    expect(count(`${'a'.repeat(40)}${end}`)).toBe(32 + end.length + 7);
  });

  it('counts the repeats of each key for itself', () => {
    expect(count('a'.repeat(40), `b${'a'.repeat(40)}`)).toBe(33 + 7 + (1 + 33) + 7);
  });

  it('counts no repeats of what only has its place among the slots', () => {
    const hash = (text: string): number => hashWindow(Buffer.from(text), 8);
    const repeated = hash('aaaaaaaa');
    let other = '';
    for (let number = 0; number < 200_000 && other === ''; number++) {
      const text = number.toString(36).padStart(8, 'z');
      if (hash(text) !== repeated && hash(text) >>> 4 === repeated >>> 4) other = text;
    }

    expect(other).not.toBe('');
    expect(count(`${'a'.repeat(40)}${other}.`)).toBe(32 + other.length + 1 + 7);
  });

  it('has sixteen slots for each character and each form, and 65,536 at most', () => {
    const slots = (length: number): number => new PatternTable(['x'.repeat(length)], []).slots.length;
    expect([20, 246, 247, 1_014, 1_015, 4_086, 4_096, 10_000].map(slots)).toEqual([
      4_096, 4_096, 8_192, 16_384, 32_768, 65_536, 65_536, 65_536,
    ]);
  });

  it('has room for more entries than 65,536', () => {
    const hashes = Array.from({ length: 1_100 }, (_none, index) => createHash('sha256').update(String(index)).digest('hex'));
    const key = `${hashes.join('')}the-very-end-of-it`;
    expect(new SecretMatcher([key]).redact('"very-end-of-it"')).toBe('"[REDACTED]"');
  }); // prettier-ignore
});

// Sixteen bits of a hash are compared, so that now and then a form is looked for where another text has the same.
describe.each(FORMS)('the form %s of a held key', (written, form) => {
  it('is found where it stands, in as many steps as it has characters', () => {
    const [pattern, finding] = [new HeldPattern(form, KEY), found()];
    pattern.find(`of ${written}`, 3 + written.length, 0, finding);
    expect(finding).toEqual({ from: 3, to: 3 + written.length, steps: written.length });
  });

  it('is given up at the first character that differs: another text with its hash costs next to nothing', () => {
    const [pattern, finding] = [new HeldPattern(form, KEY), found()];
    pattern.find(`${'~'.repeat(written.length)}!${written.slice(-3)}`, 2 * written.length, 0, finding);
    expect(finding.from).toBe(-1);
    expect(finding.steps).toBeLessThanOrEqual(5);
  });

  it('is not found in a text that is too short for it', () => {
    const [pattern, finding] = [new HeldPattern(form, KEY), found()];
    pattern.find(written.slice(1), written.length - 1, 0, finding);
    expect(finding).toEqual({ from: -1, to: written.length - 1, steps: written.length - 1 });
  });

  it('is found after the key is gone by its digest, and nothing else is', () => {
    const codes = writeForm(form, KEY);
    const gone = { ...form, length: codes.length, digest: digestForm(codes), hash: 0 };
    const [pattern, finding, other] = [new GonePattern(gone), found(), found()];
    pattern.find(written, written.length, 0, finding);
    expect(finding).toEqual({ from: 0, to: written.length, steps: written.length + 500 });
    pattern.find(`#${written.slice(1)}`, written.length, 0, other);
    expect(other.from).toBe(-1);
  });
});
