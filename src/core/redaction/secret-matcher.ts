import { matchEscaped } from './escaped-key.js';
import { digestForm, type GoneForm } from './gone-keys.js';
import { foldCase, listKeyForms, WINDOW, type KeyForm } from './key-forms.js';
import { finishHash, hashWindow, rollHash } from './window-hash.js';

/** Replacement of a key. */
export const REDACTED = '[REDACTED]';

/** Replacement of a value past the bounds of a search. */
export const NOT_SEARCHED = '[REDACTED: not searched]';

/** Work that is done whatever the time, about 3 ms, and work between two looks at the time after it. */
const FREE_WORK = 262_144;
const WORK_BEFORE_CHECK = 16_384;
const WORK_OF_PATTERN = 64;
/** Longest space between two characters of a spaced form: a line break and the indentation after it. */
const MAX_SPACE = 256;
const BACKSLASH = 0x5c;
const PADDING = 0x3d;

/** Bounds the time of a search. */
export interface TimeBound {
  /** Returns false when the search must end. */
  hasTimeToSearch(): boolean;
}

type Range = [from: number, to: number];

/** Something to look for, found by the hash of its last eight characters. */
interface Pattern {
  readonly spaced: boolean;
  readonly base64: boolean;
  /** Returns its range if it, or its eight characters, end before `end`. */
  find(text: string, end: number): Range | undefined;
}

/**
 * Finds keys in text, in one pass for all of them: raw in any letter case, percent-encoded or JSON-escaped (also in part),
 * in base64 and base64url at any alignment, in hex, as a list of byte values, wrapped or spaced; and the rest of a key that
 * was cut off. Uses no regular expression, because the engine keeps the last subject.
 */
export class SecretMatcher {
  readonly #secrets: readonly string[];
  readonly #gone: readonly GoneForm[];
  readonly #time: TimeBound | undefined;
  #keys: readonly Uint8Array[] = [];
  #forms: readonly KeyForm[] = [];
  /** One bit for each hash that a pattern has: most windows are told from all patterns by this alone. */
  #bits: Uint8Array | undefined;
  readonly #patterns: Map<number, Pattern[]> = new Map();
  /** End of the base64 digits that the running search has found so far. */
  #base64End = 0;
  /** End of the raw key that the running search found last. */
  #keyEnd = 0;
  #work = -FREE_WORK;

  constructor(secrets: readonly string[], gone: readonly GoneForm[] = [], time?: TimeBound) {
    this.#secrets = secrets.filter((secret) => secret.length >= WINDOW);
    this.#gone = gone;
    this.#time = time;
  }

  /** Returns the text without keys, or the same string if it holds none. */
  redact(text: string): string {
    const ranges = this.#findRanges(text);
    if (ranges === undefined) return NOT_SEARCHED;
    if (ranges.length === 0) return text;
    ranges.sort((a, b) => a[0] - b[0]);
    const pieces: string[] = [];
    let end = 0;
    for (const [from, to] of ranges) {
      if (to <= end) continue;
      if (from >= end) pieces.push(text.slice(end, from), REDACTED);
      end = to;
    }
    pieces.push(text.slice(end));
    // In new memory: a slice, and a text made of slices, keep the text that they were cut from.
    return Buffer.from(pieces.join(''), 'utf16le').toString('utf16le');
  }

  /** Returns whether the text holds a key, or could not be searched. */
  contains(text: string): boolean {
    return this.#findRanges(text)?.length !== 0;
  }

  /** Zeroes what was made of the keys. */
  clear(): void {
    for (const { codes } of this.#forms) codes.fill(0);
    for (const key of this.#keys) key.fill(0);
    this.#forms = [];
    this.#keys = [];
    this.#patterns.clear();
    this.#bits = undefined;
  }

  /** Finds where keys stand, or returns `undefined` when the time is over. */
  #findRanges(text: string): Range[] | undefined {
    // Every form is at least as long as the window, and most searched texts (names, codes) are shorter.
    if (text.length < WINDOW || (this.#secrets.length === 0 && this.#gone.length === 0)) return [];
    const bits = (this.#bits ??= this.#prepare());
    const ranges: Range[] = [];
    this.#base64End = 0;
    this.#keyEnd = 0;
    let plain = 0;
    let spaced = 0;
    const window = new Uint16Array(WINDOW);
    let filled = 0;
    for (let at = 0; at < text.length; at++) {
      if (++this.#work > WORK_BEFORE_CHECK) {
        if (this.#time?.hasTimeToSearch() === false) return undefined;
        this.#work = 0;
      }
      const code = foldCase(text.charCodeAt(at));
      plain = rollHash(plain, code, at < WINDOW ? 0 : foldCase(text.charCodeAt(at - WINDOW)));
      if (at >= WINDOW - 1) {
        const hash = finishHash(plain);
        if ((bits[hash >> 3] as number) & (1 << (hash & 7))) this.#match(text, at + 1, hash, false, ranges);
      }
      if (isSpace(text, at, code)) continue;
      const slot = filled++ % WINDOW;
      spaced = rollHash(spaced, code, window[slot] as number);
      window[slot] = code;
      if (filled < WINDOW) continue;
      const hash = finishHash(spaced);
      if ((bits[hash >> 3] as number) & (1 << (hash & 7))) this.#match(text, at + 1, hash, true, ranges);
    }
    for (const secret of this.#secrets) {
      if (!matchEscaped(text, secret, ranges, this.#time)) return undefined;
    }
    return ranges;
  }

  /** Adds the ranges of the patterns that end before `end`. */
  #match(text: string, end: number, hash: number, spaced: boolean, ranges: Range[]): void {
    for (const pattern of this.#patterns.get(hash) ?? []) {
      const isCovered = pattern instanceof KeyRun ? end <= this.#keyEnd : pattern.base64 && end <= this.#base64End;
      if (pattern.spaced !== spaced || isCovered) continue;
      this.#work += WORK_OF_PATTERN;
      const found = pattern.find(text, end);
      if (found === undefined) continue;
      let [from, to] = found;
      if (pattern.base64) {
        while (from > 0 && isBase64Digit(text.charCodeAt(from - 1))) from--;
        while (to < text.length && isBase64Digit(text.charCodeAt(to))) to++;
        while (text.charCodeAt(to) === PADDING) to++;
        this.#base64End = to;
      }
      if (pattern instanceof KeyRun) this.#keyEnd = to;
      ranges.push([from, to]);
    }
  }

  /** Makes the patterns of the keys. Not before the first search: most matchers meet no text that is long enough. */
  #prepare(): Uint8Array {
    const bits = new Uint8Array(8_192);
    const add = (hash: number, pattern: Pattern): void => {
      bits[hash >> 3] = (bits[hash >> 3] as number) | (1 << (hash & 7));
      const known = this.#patterns.get(hash);
      if (known === undefined) this.#patterns.set(hash, [pattern]);
      else if (!known.includes(pattern)) known.push(pattern);
    };
    this.#keys = this.#secrets.map((secret) => Buffer.from(secret, 'latin1'));
    this.#forms = this.#keys.flatMap(listKeyForms);
    for (const key of this.#keys) {
      const folded = key.map(foldCase);
      key.set(folded);
      folded.fill(0);
      const run = new KeyRun(key);
      for (let end = WINDOW; end <= key.length; end++) add(hashWindow(key, end), run);
    }
    for (const form of this.#forms) {
      add(hashWindow(form.codes, form.codes.length), form.spaced ? new SpacedForm(form) : new PlainForm(form));
    }
    for (const form of this.#gone) add(form.hash, new GonePattern(form));
    return bits;
  }
}

/** A form whose characters follow one another. */
class PlainForm implements Pattern {
  readonly spaced = false;
  readonly base64: boolean;
  readonly #codes: Uint8Array;

  constructor({ codes, base64 }: KeyForm) {
    this.#codes = codes;
    this.base64 = base64;
  }

  find(text: string, end: number): Range | undefined {
    const from = end - this.#codes.length;
    if (from < 0) return undefined;
    for (let index = this.#codes.length - 1; index >= 0; index--) {
      if (foldCase(text.charCodeAt(from + index)) !== this.#codes[index]) return undefined;
    }
    return [from, end];
  }
}

/** A form that may be wrapped, or written with something between its characters. */
class SpacedForm implements Pattern {
  readonly spaced = true;
  readonly base64: boolean;
  readonly #codes: Uint8Array;

  constructor({ codes, base64 }: KeyForm) {
    this.#codes = codes;
    this.base64 = base64;
  }

  find(text: string, end: number): Range | undefined {
    let at = end;
    for (let index = this.#codes.length - 1; index >= 0; index--) {
      at = findPrevious(text, at);
      if (at < 0 || foldCase(text.charCodeAt(at)) !== this.#codes[index]) return undefined;
    }
    return [at, end];
  }
}

/** A run of at least eight characters of a key: all of it, or what is left where it was cut off. */
class KeyRun implements Pattern {
  readonly spaced = false;
  readonly base64 = false;
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  find(text: string, end: number): Range | undefined {
    const key = this.#key;
    let longest: Range | undefined;
    for (let after = WINDOW; after <= key.length; after++) {
      let from = end;
      let first = after;
      while (first > 0 && from > 0 && foldCase(text.charCodeAt(from - 1)) === key[first - 1]) {
        first--;
        from--;
      }
      if (end - from < WINDOW) continue;
      let to = end;
      for (let next = after; next < key.length && foldCase(text.charCodeAt(to)) === key[next]; next++) to++;
      const isKept = to - from === key.length || isCut(text, from, to);
      if (isKept && (longest === undefined || to - from > longest[1] - longest[0])) longest = [from, to];
    }
    return longest;
  }
}

/** A form of a key that is no longer held. */
class GonePattern implements Pattern {
  readonly spaced: boolean;
  readonly base64: boolean;
  readonly #length: number;
  readonly #digest: string;

  constructor({ spaced, base64, length, digest }: GoneForm) {
    this.spaced = spaced;
    this.base64 = base64;
    this.#length = length;
    this.#digest = digest;
  }

  find(text: string, end: number): Range | undefined {
    const codes = new Uint8Array(this.#length);
    let at = end;
    for (let index = this.#length - 1; index >= 0; index--) {
      at = this.spaced ? findPrevious(text, at) : at - 1;
      const code = at < 0 ? 0xff : foldCase(text.charCodeAt(at));
      // Every form is made of visible ASCII characters.
      if (code > 0x7e) return undefined;
      codes[index] = code;
    }
    return digestForm(codes) === this.#digest ? [at, end] : undefined;
  }
}

/** Returns the position of the character before `at` that is not space, or -1 if it is far away. */
function findPrevious(text: string, at: number): number {
  for (let before = at - 1; before >= 0 && at - before <= MAX_SPACE; before--) {
    if (!isSpace(text, before, text.charCodeAt(before))) return before;
  }
  return -1;
}

/** Returns whether a character may stand inside a spaced form: white space, also escaped, or a separator. */
function isSpace(text: string, at: number, code: number): boolean {
  if (code <= 0x20 || code === 0x2c || code === 0x2d || code === 0x3a || code === BACKSLASH) return true;
  return (code === 0x6e || code === 0x72 || code === 0x74) && at > 0 && text.charCodeAt(at - 1) === BACKSLASH;
}

/** Returns whether a text was cut at one side of a range: there is a quote, an ellipsis, an asterisk, or its end. */
function isCut(text: string, from: number, to: number): boolean {
  return to === text.length || isCutMark(text, to, 1) || isCutMark(text, from - 1, -1);
}

const CUT_MARKS = '"\'`\u2018\u2019\u201c\u201d\u2026*';

function isCutMark(text: string, at: number, step: 1 | -1): boolean {
  const mark = text.charAt(at);
  if (mark === '') return false;
  return CUT_MARKS.includes(mark) || [at, at + step, at + 2 * step].every((index) => text.charAt(index) === '.');
}

function isBase64Digit(code: number): boolean {
  const folded = foldCase(code);
  const isAlphanumeric = (folded >= 0x61 && folded <= 0x7a) || (code >= 0x30 && code <= 0x39);
  return isAlphanumeric || code === 0x2b || code === 0x2f || code === 0x2d || code === 0x5f;
}
