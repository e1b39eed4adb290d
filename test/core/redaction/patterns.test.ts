import { describe, expect, it } from 'vitest';
import { digestForm } from '../../../src/core/redaction/gone-keys.js';
import { HELD_FORMS, writeForm } from '../../../src/core/redaction/key-forms.js';
import { GonePattern, HeldPattern, type Finding } from '../../../src/core/redaction/patterns.js';
import { PLAIN as KEY } from './encodings.js';

const found = (): Finding => ({ from: 7, to: 7, steps: 7 });
/** The forms that this key has. */
const FORMS = HELD_FORMS.map((form) => [Buffer.from(writeForm(form, KEY)).toString('latin1'), form] as const).filter(
  ([written]) => written !== '',
);

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
