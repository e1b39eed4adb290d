import { ANCHOR, AnchorTable, hashWord } from './anchors.js';
import { GAP, listKeyForms, type Gap, type KeyForm, type Spelling, type Spellings } from './encodings.js';

/** Where a key stands in bytes. */
export interface Match {
  /** Index of the key. */
  readonly key: number;
  readonly form: string;
  readonly start: number;
  readonly end: number;
  /** True if its characters are two bytes long. */
  readonly isWide?: boolean;
}

/** A form, and the index of its key. */
interface SoughtForm {
  readonly key: number;
  readonly form: KeyForm;
}

/** Longest space between two characters: a line break and the indentation after it. */
const MAX_GAP = 64;
/** Largest number of readings of one text that are followed: a key may hold characters that look like an escape. */
const MAX_READINGS = 8;
/** Longest that a character of a form may be, with what follows it. */
const MAX_UNIT = MAX_GAP + 16;

const [NEWLINE, RETURN, QUOTE, ZERO, NINE, COLON, EQUALS, BACKSLASH] = [
  0x0a, 0x0d, 0x22, 0x30, 0x39, 0x3a, 0x3d, 0x5c,
] as const;
const flagCodes = (chars: string): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, code) => (code !== 0 && chars.includes(String.fromCharCode(code)) ? 1 : 0));
const WRAP = flagCodes(`\t\n\r "',=\\`);
const SEPARATORS = flagCodes(`\t\n\r "'\`,;:-|{}[]()\\`);

/** Finds keys in bytes, exactly and in every form, in one pass for all of them. Uses no regular expression. */
export class KeyMatcher {
  readonly #forms: SoughtForm[] = [];
  readonly #table = new AnchorTable();
  /** Upper bound of the length of a match, in bytes. */
  readonly longest: number;
  /** Where the last match of each form ended: what starts before is the same one. */
  readonly #ends: number[] = [];
  #positions = new Int32Array(MAX_READINGS);
  #styles = new Int32Array(MAX_READINGS);
  #nextPositions = new Int32Array(MAX_READINGS);
  #nextStyles = new Int32Array(MAX_READINGS);
  #count = 0;

  constructor(keys: readonly Uint8Array[]) {
    keys.forEach((bytes, key) => {
      for (const form of listKeyForms(bytes)) {
        this.#table.addForm(form, this.#forms.length);
        this.#forms.push({ key, form });
        this.#ends.push(0);
      }
    });
    this.longest = Math.max(...keys.map(({ length }) => length)) * MAX_UNIT;
  }

  /** Zeroes what was made of the keys. */
  clear(): void {
    this.#table.clear();
    for (const { form } of this.#forms) form.codes.fill(0);
  }

  /** Finds keys in the first `length` of `bytes`, whose memory `words` shares. */
  search(bytes: Uint8Array, words: Int32Array, length: number, onMatch: (match: Match) => void): void {
    const { bits, shift } = this.#table;
    this.#ends.fill(0);
    const count = length >> 2;
    for (let index = 0; index < count;) {
      index = findWord(words, index, count, bits, shift - 5);
      if (index < count) this.#compare(bytes, length, index << 2, words[index] as number, onMatch);
      index++;
    }
  }

  #compare(bytes: Uint8Array, length: number, at: number, word: number, onMatch: (match: Match) => void): void {
    const { heads, anchors, shift } = this.#table;
    let next = heads[hashWord(word) >>> shift] as number;
    while (next !== 0) {
      const place = next * ANCHOR;
      next = anchors[place + 4] as number;
      if (anchors[place] !== word) continue;
      const number = anchors[place + 1] as number;
      const from = at - (anchors[place + 3] as number);
      if (from < (this.#ends[number] as number) || from > length) continue;
      const unit = anchors[place + 2] as number;
      const { key, form } = this.#forms[number] as SoughtForm;
      const end = this.#walk(form, bytes, length, from, unit, true);
      if (end < 0) continue;
      const after = this.#styles[0] as number;
      const start = this.#walk(form, bytes, length, from, unit, false);
      if (start < 0 || start < (this.#ends[number] as number)) continue;
      // A list of numbers ends where its last number does.
      if (form.gapRequired && (isDigit(bytes[start - 1]) || (end < length && isDigit(bytes[end])))) continue;
      this.#ends[number] = end;
      onMatch({ key, form: form.name(after | (this.#styles[0] as number)), start, end });
    }
  }

  /** Compares the characters from `unit` on, or those before it. Returns where they end, with their styles at hand; -1 if they differ. */
  #walk(form: KeyForm, bytes: Uint8Array, length: number, from: number, unit: number, isForward: boolean): number {
    const { codes, spellings, gap, gapRequired } = form;
    this.#positions[0] = from;
    this.#styles[0] = 0;
    let readings = 1;
    // No lists here and below: in a text of nothing but escapes they are made for every character.
    const step = isForward ? 1 : -1;
    const end = isForward ? codes.length : -1;
    for (let index = isForward ? unit : unit - 1; index !== end && readings > 0; index += step) {
      const choices = spellings[codes[index] as number] as Spellings;
      const isInside = !isForward || index > unit;
      this.#count = 0;
      for (let reading = 0; reading < readings; reading++) {
        const position = this.#positions[reading] as number;
        const styles = this.#styles[reading] as number;
        if (!gapRequired || !isInside) this.#addReadings(choices, bytes, length, position, styles, isForward);
        if (!isInside) continue;
        const next = skipGap(gap, bytes, length, position, isForward);
        if (next !== position) this.#addReadings(choices, bytes, length, next, styles | GAP, isForward);
      }
      readings = this.#count;
      const positions = this.#positions;
      const styles = this.#styles;
      this.#positions = this.#nextPositions;
      this.#styles = this.#nextStyles;
      this.#nextPositions = positions;
      this.#nextStyles = styles;
    }
    return readings === 0 ? -1 : (this.#positions[0] as number);
  }

  /** Adds where each spelling of a character that stands at `position`, or before it, ends. */
  #addReadings(
    choices: Spellings,
    bytes: Uint8Array,
    length: number,
    position: number,
    styles: number,
    isForward: boolean,
  ): void {
    const fitting = isForward
      ? choices.byFirst[bytes[position] as number]
      : choices.byLast[bytes[position - 1] as number];
    if (fitting === undefined) return;
    for (let index = 0; index < fitting.length; index++) {
      const { bytes: spelling, style } = fitting[index] as Spelling;
      const start = isForward ? position : position - spelling.length;
      if (start < 0 || start + spelling.length > length || !isAt(bytes, start, spelling)) continue;
      const end = isForward ? start + spelling.length : start;
      let other = 0;
      while (other < this.#count && this.#nextPositions[other] !== end) other++;
      if (other < this.#count || this.#count === MAX_READINGS) continue;
      this.#nextPositions[this.#count] = end;
      this.#nextStyles[this.#count++] = styles | style;
    }
  }
}

/** Returns the index of the next word whose hash has its bit set. A function of its own: the loop is as fast as memory. */
function findWord(words: Int32Array, from: number, count: number, bits: Int32Array, shift: number): number {
  let index = from;
  for (; index < count; index++) {
    const bit = hashWord(words[index] as number) >>> shift;
    if ((((bits[bit >>> 5] as number) >>> bit) & 1) !== 0) break;
  }
  return index;
}

/** Returns whether `wanted` stands at `start`. From its end on, because spellings begin alike: `\\u00`. */
function isAt(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let index = wanted.length - 1; index >= 0; index--) if (bytes[start + index] !== wanted[index]) return false;
  return true;
}

/** Returns the position behind what may stand between two characters, or before it; the same position if nothing does. */
function skipGap(gap: Gap, bytes: Uint8Array, length: number, position: number, isForward: boolean): number {
  if (gap === 'soft-break') return skipSoftBreak(bytes, position, isForward);
  const measure = gap === 'wrap' ? measureWrap : measureSeparator;
  const limit = isForward ? Math.min(length, position + MAX_GAP) : Math.max(0, position - MAX_GAP);
  let at = position;
  while (at !== limit) {
    const size = measure(bytes, isForward ? at : at - 1, isForward);
    if (size === 0) break;
    at += isForward ? size : -size;
    if (isForward ? at > limit : at < limit) return position;
  }
  return at;
}

function skipSoftBreak(bytes: Uint8Array, position: number, isForward: boolean): number {
  for (let size = 2; size <= 3; size++) {
    const at = isForward ? position : position - size;
    const isMark = bytes[at] === EQUALS || bytes[at] === BACKSLASH;
    if (isMark && bytes[at + size - 1] === NEWLINE && (size === 2 || bytes[at + 1] === RETURN))
      return isForward ? position + size : at;
  }
  return position;
}

/** Returns how many bytes of a broken line stand at `at`, or end there. */
function measureWrap(bytes: Uint8Array, at: number, isForward: boolean): number {
  const code = bytes[at] as number;
  if (isForward && code === BACKSLASH) return isSpaceLetter(bytes[at + 1]) ? 2 : 1;
  if (!isForward && isSpaceLetter(code)) return bytes[at - 1] === BACKSLASH ? 2 : 0;
  return WRAP[code] as number;
}

/** Returns how many bytes that separate the numbers of a list stand at `at`, or end there: `, `, ` 0x`, or `,"12":`. */
function measureSeparator(bytes: Uint8Array, at: number, isForward: boolean): number {
  const code = bytes[at] as number;
  const other = bytes[isForward ? at + 1 : at - 1];
  const zero = isForward ? code : other;
  const x = isForward ? other : code;
  if (zero === ZERO && (x === 0x78 || x === 0x58)) return 2;
  if (code === QUOTE && (isForward || bytes[at + 1] === COLON)) {
    const step = isForward ? 1 : -1;
    let end = at + step;
    while (isDigit(bytes[end]) && Math.abs(end - at) < 8) end += step;
    const isIndex = end !== at + step && bytes[end] === QUOTE && (!isForward || bytes[end + 1] === COLON);
    if (isIndex) return Math.abs(end - at) + 1;
  }
  return SEPARATORS[code] as number;
}

function isSpaceLetter(code: number | undefined): boolean {
  return code === 0x6e || code === 0x72 || code === 0x74;
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= ZERO && code <= NINE;
}
