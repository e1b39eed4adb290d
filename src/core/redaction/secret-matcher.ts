import { matchEscaped } from './escaped-key.js';
import type { GoneForm } from './gone-keys.js';
import { PatternTable } from './pattern-table.js';
import { isSpaceLetter, type Finding, type Pattern } from './patterns.js';
import { finishHash, getGears, WINDOW } from './window-hash.js';
import { WorkMeter, type TimeBound } from './work-meter.js';

/** Replacement of a key. */
export const REDACTED = '[REDACTED]';

/** Replacement of a value past the bounds of a search. */
export const NOT_SEARCHED = '[REDACTED: not searched]';

/** Number of characters that are read at once. */
const STRETCH = 4_096;
const BACKSLASH = 0x5c;
const PADDING = 0x3d;

/** Where text is read from: twice as fast as from a string. Made by the first search, and zeroed by each. */
let stretch: Buffer | undefined;

type Range = [from: number, to: number];

/**
 * Finds keys in text, in one pass for all of them: raw in any letter case, percent-encoded or JSON-escaped (also in part),
 * in base64 and base64url at any alignment, in hex, as a list of byte values, wrapped or spaced; and the rest of a key that
 * was cut off. Uses no regular expression, because the engine keeps the last subject.
 */
export class SecretMatcher {
  readonly #secrets: readonly string[];
  readonly #gone: readonly GoneForm[];
  readonly #meter: WorkMeter;
  #table: PatternTable | undefined;
  readonly #found: Finding = { from: 0, to: 0, steps: 0 };
  /** End of the base64 digits, and of the raw key, that the running search found last. */
  #base64End = 0;
  #runEnd = 0;
  /** The run that was last looked at, where its key would start, and where it ends. */
  #tried: Pattern | undefined;
  #triedStart = 0;
  #triedEnd = 0;

  constructor(secrets: readonly string[], gone: readonly GoneForm[] = [], time?: TimeBound) {
    this.#secrets = secrets.filter((secret) => secret.length >= WINDOW);
    this.#gone = gone;
    this.#meter = new WorkMeter(time);
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
      if (from >= end) pieces.push(text.slice(end, from), REDACTED);
      end = Math.max(end, to);
    }
    pieces.push(text.slice(end));
    return copyText(pieces.join(''));
  }

  /** Returns whether the text holds a key, or could not be searched. */
  contains(text: string): boolean {
    return this.#findRanges(text)?.length !== 0;
  }

  /** Zeroes what was made of the keys. */
  clear(): void {
    this.#table?.clear();
    this.#table = undefined;
  }

  /** Finds where keys stand, or returns `undefined` when the time is over. */
  #findRanges(text: string): Range[] | undefined {
    // Every form is at least as long as the window, and most searched texts (names, codes) are shorter.
    if (text.length < WINDOW || (this.#secrets.length === 0 && this.#gone.length === 0)) return [];
    // Not before the first search: most matchers meet no text that is long enough.
    const table = (this.#table ??= new PatternTable(this.#secrets, this.#gone));
    const ranges: Range[] = [];
    const room = (stretch ??= Buffer.alloc(STRETCH));
    const isScanned = this.#scan(text, table, room, ranges);
    room.fill(0, 0, Math.min(text.length, STRETCH));
    if (!isScanned) return undefined;
    for (const secret of this.#secrets) {
      if (!matchEscaped(text, secret, ranges, this.#meter)) return undefined;
    }
    return ranges;
  }

  /** Adds the ranges of all patterns. Returns false when the time is over. */
  #scan(text: string, table: PatternTable, room: Buffer, ranges: Range[]): boolean {
    const { plain: plainGears, spaced: spacedGears } = getGears();
    const { slots, shift } = table;
    this.#base64End = this.#runEnd = this.#triedEnd = 0;
    let plain = 0;
    let spaced = 0;
    let escaped = -1;
    for (let start = 0; start < text.length; start += STRETCH) {
      const length = Math.min(text.length - start, STRETCH);
      if (!this.#meter.spend(length)) return false;
      room.write(text.slice(start, start + length), 'latin1');
      for (let index = 0; index < length; index++) {
        const code = room[index] as number;
        plain = ((plain << 4) + (plainGears[code] as number)) | 0;
        const slot = slots[plain >>> shift] as number;
        if (slot !== 0 && !this.#match(text, start + index + 1, slot, finishHash(plain), false, table, ranges))
          return false;
        const spacedGear = spacedGears[code] as number;
        if (spacedGear === 0) {
          if (code === BACKSLASH && isSpaceLetter(text.charCodeAt(start + index + 1))) escaped = start + index + 1;
        } else if (start + index !== escaped) {
          spaced = ((spaced << 4) + spacedGear) | 0;
          const other = slots[spaced >>> shift] as number;
          if (other !== 0 && !this.#match(text, start + index + 1, other, finishHash(spaced), true, table, ranges))
            return false;
        }
      }
    }
    return true;
  }

  /** Adds the ranges of the patterns of a hash that end, or are met, before `end`. Returns false when the time is over. */
  #match(
    text: string,
    end: number,
    number: number,
    hash: number,
    spaced: boolean,
    table: PatternTable,
    ranges: Range[],
  ): boolean {
    const found = this.#found;
    let run: Range | undefined;
    for (let entry = table.get(number); entry !== undefined; entry = table.get(entry.next)) {
      const { pattern, place } = entry;
      if (entry.hash !== hash || pattern.spaced !== spaced) continue;
      if (pattern.isRun) {
        const isTried = pattern === this.#tried && end - place === this.#triedStart && end <= this.#triedEnd;
        if (isTried || end <= this.#runEnd) continue;
        pattern.find(text, end, place, found);
        this.#tried = pattern;
        this.#triedStart = end - place;
        this.#triedEnd = found.to;
        if (found.from >= 0 && (run === undefined || found.to - found.from > run[1] - run[0]))
          run = [found.from, found.to];
      } else {
        if (pattern.base64 && end <= this.#base64End) continue;
        pattern.find(text, end, place, found);
        if (found.from >= 0) ranges.push(pattern.base64 ? this.#extendBase64(text, found) : [found.from, found.to]);
      }
      if (!this.#meter.spend(found.steps)) return false;
    }
    if (run !== undefined) {
      this.#runEnd = run[1];
      ranges.push(run);
    }
    return true;
  }

  /** Returns the range with the digits around it. */
  #extendBase64(text: string, { from, to }: Finding): Range {
    while (isBase64Digit(text.charCodeAt(from - 1))) from--;
    while (isBase64Digit(text.charCodeAt(to))) to++;
    while (text.charCodeAt(to) === PADDING) to++;
    this.#base64End = to;
    return [from, to];
  }
}

/** Returns the text in new memory: a slice, and a text made of slices, keep the text that they were cut from. */
function copyText(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

function isBase64Digit(code: number): boolean {
  const folded = code | 0x20;
  const isAlphanumeric = (folded >= 0x61 && folded <= 0x7a) || (code >= 0x30 && code <= 0x39);
  return isAlphanumeric || code === 0x2b || code === 0x2f || code === 0x2d || code === 0x5f;
}
