import type { KeyMatcher, Match } from './matcher.js';

/** A key that was found in a content, with its place in lines and characters, from 1. */
export interface Hit {
  readonly key: number;
  readonly form: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Least number of bytes that are searched at once: more are no faster, and would have to be held. */
const CHUNK = 1 << 18;
const NEWLINE = 0x0a;
/** So many words in a row that are UTF-16 of ASCII are read as text: the shortest key has as many. */
const MIN_WIDE = 3;
const EVEN = 0x00ff00ff;
const ODD = 0xff00ff00 | 0;

/** A buffer that is read four bytes at a time. */
interface Room {
  readonly bytes: Buffer;
  readonly words: Int32Array;
}

const createRoom = (size: number): Room => {
  const memory = new ArrayBuffer(size);
  return { bytes: Buffer.from(memory), words: new Int32Array(memory) };
};

/** Memory that scanners share which run one after another: text of UTF-16 without its zeros, where it came from, and only zeros. */
interface Shared {
  readonly narrow: Room;
  readonly map: Int32Array;
  readonly zeros: Buffer;
}

/** Searches a content that is written to it piece by piece, in constant memory. */
export class ContentScanner {
  readonly matcher: KeyMatcher;
  readonly #overlap: number;
  readonly #room: Room;
  readonly #shared: Shared;
  /** Number of bytes in the room, and of those that were searched before. */
  #length = 0;
  #old = 0;
  /** Place of the first byte in the room. */
  #line = 1;
  #column = 1;
  #onHit: (hit: Hit) => void = () => undefined;
  /** True while there is nothing but zeros in the room, so that more of them change nothing. */
  #isEmpty = true;

  /** `outer` is the scanner of the content that this one's is packed in, and is not read to its end. */
  constructor(matcher: KeyMatcher, outer?: ContentScanner) {
    this.matcher = matcher;
    // UTF-16 doubles it.
    this.#overlap = Math.max(4_096, (2 * matcher.longest + 3) & ~3);
    // What is searched twice stays a small part, whatever the length of the key.
    const size = this.#overlap + Math.max(CHUNK, 4 * this.#overlap);
    this.#room = createRoom(size);
    this.#shared =
      outer === undefined
        ? { narrow: createRoom(size), map: new Int32Array(size), zeros: Buffer.alloc(size) }
        : outer.#shared;
  }

  /** Starts a content. */
  begin(onHit: (hit: Hit) => void): void {
    this.#onHit = onHit;
    this.#length = this.#old = 0;
    this.#line = this.#column = 1;
    this.#isEmpty = true;
  }

  /** Takes the next bytes, which the caller may change afterwards. */
  write(chunk: Uint8Array): void {
    // Most of a sparse file is zeros. UTF-16 must keep its place.
    this.#isEmpty &&= chunk.length % 4 === 0 && this.#isZero(chunk);
    if (this.#isEmpty) {
      this.#column += chunk.length;
      return;
    }
    let at = 0;
    while (at < chunk.length) {
      const { bytes } = this.#room;
      const taken = Math.min(chunk.length - at, bytes.length - this.#length);
      bytes.set(chunk.subarray(at, at + taken), this.#length);
      this.#length += taken;
      at += taken;
      if (this.#length < bytes.length) return;
      this.#search();
      this.#slide();
    }
  }

  /** Searches the end of the content. */
  finish(): void {
    if (this.#length > this.#old) this.#search();
    this.#length = this.#old = 0;
  }

  /** Zeroes what was read. */
  clear(): void {
    const { narrow, map } = this.#shared;
    for (const array of [this.#room.bytes, narrow.bytes, map]) array.fill(0);
  }

  #search(): void {
    const { bytes, words } = this.#room;
    const [old, length] = [this.#old, this.#length];
    if (this.#isZero(bytes.subarray(old, length))) {
      this.#isEmpty = length - old >= this.#overlap;
      return;
    }
    const matches: Match[] = [];
    // A match that ends before was found before.
    const add = (match: Match): void => void (match.end > old && matches.push(match));
    this.matcher.search(bytes, words, length, add);
    if (bytes.subarray(0, length).includes(0)) this.#searchWide(add);
    if (matches.length === 0) return;
    matches.sort((one, other) => one.start - other.start);
    const place = { at: 0, line: this.#line, column: this.#column };
    for (const { key, form, start, end, isWide = false } of matches) {
      advance(place, bytes, start);
      const last = { ...place };
      advance(last, bytes, end);
      const [column, endColumn] = isWide
        ? [Math.ceil(place.column / 2), Math.ceil((last.column + 1) / 2)]
        : [place.column, last.column];
      this.#onHit({ key, form, line: place.line, column, endLine: last.line, endColumn });
    }
  }

  #isZero(chunk: Uint8Array): boolean {
    const { zeros } = this.#shared;
    return chunk.length <= zeros.length && Buffer.compare(chunk, zeros.subarray(0, chunk.length)) === 0;
  }

  /** Searches what may be UTF-16 of ASCII, in either byte order, without its zeros. */
  #searchWide(onMatch: (match: Match) => void): void {
    const { narrow, map } = this.#shared;
    const { bytes } = this.#room;
    this.matcher.search(narrow.bytes, narrow.words, this.#copyNarrow(), ({ key, form, start, end }) => {
      for (let at = start + 1; at < end; at++) if (map[at] !== (map[at - 1] as number) + 2) return;
      const [first, last] = [map[start] as number, map[end - 1] as number];
      // Inside a text there are zeros on both sides.
      const isLittle = bytes[first - 1] !== 0 || (last + 1 < this.#length && bytes[last + 1] === 0 && first % 2 === 0);
      const order = isLittle ? 'utf-16le' : 'utf-16be';
      onMatch({ key, form: form === 'raw' ? order : `${form}+${order}`, start: first, end: last + 1, isWide: true });
    });
  }

  /** Copies what may be UTF-16 of ASCII without its zeros, and returns its length. */
  #copyNarrow(): number {
    const { bytes, words } = this.#room;
    const { narrow, map } = this.#shared;
    const count = this.#length >> 2;
    let [size, copied] = [0, 0];
    // Three words in a row have one of these.
    for (let index = 0; index < count; index += MIN_WIDE) {
      const word = words[index] as number;
      if (word === 0 || ((word & EVEN) !== 0 && (word & ODD) !== 0)) continue;
      let [from, to] = [index, index + 1];
      while (from > 0 && isWideWord(words[from - 1] as number)) from--;
      while (to < count && isWideWord(words[to] as number)) to++;
      index = Math.max(index, to - MIN_WIDE);
      if (to - from < MIN_WIDE) continue;
      const end = Math.min(this.#length, 4 * to + 4);
      for (let at = Math.max(copied, 4 * from - 4); at < end; at++) {
        const code = bytes[at] as number;
        narrow.bytes[size] = code;
        map[size] = at;
        if (code !== 0) size++;
      }
      copied = end;
    }
    return size;
  }

  /** Keeps the end of what was searched, where a match may have begun. */
  #slide(): void {
    const { bytes, words } = this.#room;
    const end = this.#length - this.#overlap;
    const newlines = countNewlines(words, end >> 2);
    this.#line += newlines;
    if (newlines === 0) this.#column += end;
    else {
      const place = { at: bytes.lastIndexOf(NEWLINE, end - 1), line: 0, column: 1 };
      advance(place, bytes, end);
      this.#column = place.column;
    }
    bytes.copyWithin(0, end, this.#length);
    this.#length = this.#old = this.#overlap;
  }
}

/** Returns whether every other byte of a word is zero, and not all. */
function isWideWord(word: number): boolean {
  return word !== 0 && ((word & EVEN) === 0 || (word & ODD) === 0);
}

/** Moves a place on: a line ends with a newline, and a character of UTF-8 is as many bytes as it has. */
function advance(place: { at: number; line: number; column: number }, bytes: Uint8Array, to: number): void {
  for (; place.at < to; place.at++) {
    const code = bytes[place.at] as number;
    if (code === NEWLINE) {
      place.line++;
      place.column = 1;
    } else if ((code & 0xc0) !== 0x80) place.column++;
  }
}

/** Counts the newlines in words, four bytes at a time. */
function countNewlines(words: Int32Array, count: number): number {
  let newlines = 0;
  for (let index = 0; index < count; index++) {
    const other = (words[index] as number) ^ 0x0a0a0a0a;
    // The highest bit of each byte that is zero now.
    const marks = ~(((other & 0x7f7f7f7f) + 0x7f7f7f7f) | other | 0x7f7f7f7f);
    newlines += Math.imul(marks >>> 7, 0x01010101) >>> 24;
  }
  return newlines;
}
