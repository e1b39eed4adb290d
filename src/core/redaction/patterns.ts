import { allocateBytes } from '../util/bytes.js';
import { digestForm, type GoneForm } from './gone-keys.js';
import { writeForm, type Form } from './key-forms.js';
import { foldCase, foldDigit, isSeparator, WINDOW } from './window-hash.js';

/** Longest space between two characters of a spaced form: a line break and the indentation after it. */
const MAX_SPACE = 256;
/** Steps that take as long as the digest of a form. */
const STEPS_OF_DIGEST = 500;
const BACKSLASH = 0x5c;
const CUT_MARKS = '"\'`\u2018\u2019\u201c\u201d\u2026*';

/** A pattern's finding: its range, and the steps that it took to see whether it is there. */
export interface Finding {
  from: number;
  to: number;
  steps: number;
}

/** Something to look for, met where the last eight characters of text have the hash of eight of its own. */
export interface Pattern {
  readonly spaced: boolean;
  readonly base64: boolean;
  /** True for a run of a raw key, which is met at each of its characters. */
  readonly isRun: boolean;
  /** Looks for it where `place` in it, the end of its eight characters, stands at `end`. `from` is negative if it is not there. */
  find(text: string, end: number, place: number, found: Finding): void;
  /** Zeroes what was made of the key. */
  clear(): void;
}

/** A run of at least eight characters of a key: all of it, or what is left where it was cut off. */
export class KeyRun implements Pattern {
  readonly spaced = false;
  readonly base64 = false;
  readonly isRun = true;
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  find(text: string, end: number, place: number, found: Finding): void {
    const key = this.#key;
    let [from, first] = [end, place];
    while (isSame(text, from - 1, key, first - 1)) {
      from--;
      first--;
    }
    let [to, last] = [end, place];
    while (isSame(text, to, key, last)) {
      to++;
      last++;
    }
    const isLong = to - from >= WINDOW;
    const isKept = isLong && (to - from === key.length || isCut(text, from, to));
    found.from = isKept ? from : -1;
    found.to = to;
    found.steps = to - from;
  }

  clear(): void {
    // Nothing was made of it.
  }
}

/** A form of a key, met where its last characters are. */
abstract class FormPattern implements Pattern {
  readonly spaced: boolean;
  readonly base64: boolean;
  readonly isRun = false;

  constructor({ spaced, base64 }: { spaced: boolean; base64: boolean }) {
    this.spaced = spaced;
    this.base64 = base64;
  }

  find(text: string, end: number, _place: number, found: Finding): void {
    let at = end;
    let isHere = true;
    for (let index = this.length - 1; index >= 0 && isHere; index--) {
      at = this.spaced ? findPrevious(text, at) : at - 1;
      isHere = at >= 0 && this.take(index, this.#fold(text.charCodeAt(at)));
    }
    found.from = isHere ? at : -1;
    found.to = end;
    found.steps = end - Math.max(0, at);
  }

  abstract clear(): void;

  protected abstract readonly length: number;

  /** Takes the character where the form has its own at `index`. Returns false if the form cannot stand there. */
  protected abstract take(index: number, code: number): boolean;

  #fold(code: number): number {
    // Any character that is not ASCII is none of a form's.
    return code > 0x7e ? 0 : this.spaced ? foldDigit(code) : foldCase(code);
  }
}

/** A form of a key that is held. */
export class HeldPattern extends FormPattern {
  readonly #form: Form;
  readonly #key: string;
  #codes: Uint8Array | undefined;

  constructor(form: Form, key: string) {
    super(form);
    this.#form = form;
    this.#key = key;
  }

  clear(): void {
    this.#codes?.fill(0);
    this.#codes = undefined;
  }

  protected get length(): number {
    return (this.#codes ??= writeForm(this.#form, this.#key)).length;
  }

  protected take(index: number, code: number): boolean {
    return this.#codes?.[index] === code;
  }
}

/** A form of a key that is no longer held. */
export class GonePattern extends FormPattern {
  protected readonly length: number;
  readonly #digest: string;
  #codes: Uint8Array | undefined;

  constructor(form: GoneForm) {
    super(form);
    this.length = form.length;
    this.#digest = form.digest;
  }

  override find(text: string, end: number, place: number, found: Finding): void {
    const codes = (this.#codes = allocateBytes(this.length));
    super.find(text, end, place, found);
    if (found.from >= 0 && digestForm(codes) !== this.#digest) found.from = -1;
    found.steps += STEPS_OF_DIGEST;
    codes.fill(0);
    this.#codes = undefined;
  }

  clear(): void {
    // It holds no key.
  }

  protected take(index: number, code: number): boolean {
    if (this.#codes !== undefined) this.#codes[index] = code;
    return true;
  }
}

/** Returns whether a text and a key have the same character there, which they do not before or behind either. */
function isSame(text: string, at: number, key: string, index: number): boolean {
  return foldCase(text.charCodeAt(at)) === foldCase(key.charCodeAt(index));
}

/** Returns the position of the character before `at` that is not space, or -1 if it is far away. */
function findPrevious(text: string, at: number): number {
  for (let before = at - 1; at - before <= MAX_SPACE; before--) {
    if (!isSpace(text, before)) return before;
  }
  return -1;
}

/** Returns whether a character may stand inside a spaced form: a separator, or white space that is escaped. */
function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isSeparator(code) || (isSpaceLetter(code) && text.charCodeAt(at - 1) === BACKSLASH);
}

/** Returns whether a character after a backslash means white space. */
export function isSpaceLetter(code: number): boolean {
  return code === 0x6e || code === 0x72 || code === 0x74;
}

/** Returns whether a text was cut at one side of a range: there is a quote, an ellipsis, an asterisk, or its end. */
function isCut(text: string, from: number, to: number): boolean {
  return to === text.length || isCutMark(text, to, 1) || isCutMark(text, from - 1, -1);
}

function isCutMark(text: string, at: number, step: 1 | -1): boolean {
  const mark = text.charAt(at);
  if (mark === '') return false;
  return CUT_MARKS.includes(mark) || [at, at + step, at + 2 * step].every((index) => text.charAt(index) === '.');
}
