import { isAlphanumeric, RAW, TEXT_STYLES, URL_DIGIT, type KeyForm, type Spelling } from './encodings.js';

/** Separators of two bytes of a list, as programs print it. */
const HEX_GAPS = [' ', ':', '-', ',', ', ', ',0x', ', 0x', ' 0x', ',\n 0x', ',\r\n 0x', '\n', '\r\n'];
const DECIMAL_GAPS = [',', ', ', ' ', ';', '\n', ',\n ', ',\n  ', ',\r\n ', ',\r\n  ', ',\n\t'];
/** Texts before and behind a byte where JSON shows bytes as an object. */
const OBJECT_GAPS = [
  ['":', ',"'],
  ['": ', ',\n '],
] as const;
const SOFT_BREAKS = ['=\n', '=\r\n'];
const LINE_BREAKS = ['\n', '\r\n', '\n  ', '\r\n  ', '\\n', '\\r\\n', ...SOFT_BREAKS];
/** With so many characters one of the parts around a line break is long enough to have a whole word. */
const UNBROKEN = 14;
const SITES = 6;
/** So many characters in a row have words at each of the four places that a word may start at. */
const RUN = 4;
const WORD = 4;
/** Numbers of an anchor. */
export const ANCHOR = 5;
const ROOM = 64;
/** Longest spelling of a character. */
const MAX_SPELLING = 16;
const MIN_BITS = 10;
/** Largest number of anchors of one form at one word: only a key that repeats itself has more, and is met at its first. */
const MAX_REPEATS = 16;
/** In place of what is between characters: it is not known. */
const NOTHING = Symbol('nothing');

type Pick = (spelling: Spelling, code: number) => boolean;

/** A character of a form whose words are added. */
interface Site {
  readonly form: KeyForm;
  readonly number: number;
  readonly unit: number;
  /** Returns whether a spelling is looked for. */
  readonly pick: Pick;
  /** Texts before the character, behind it, and behind each one after it, unless that is not known. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly between: Uint8Array | undefined;
}

/**
 * Finds the forms of keys by words: text is read four bytes at a time, and every run of seven bytes holds one such word. So
 * each form is entered by words that start at four places in a row, at several sites.
 */
export class AnchorTable {
  /** One bit for each hash that a word has. */
  bits: Int32Array = new Int32Array(1 << MIN_BITS);
  /** Number of the first anchor of the words with a hash; 0 for none. */
  heads: Int32Array = new Int32Array(1 << MIN_BITS);
  /** Number of bits that a hash is shifted to get its head. */
  shift: number = 32 - MIN_BITS;
  /**
   * Five numbers for each anchor: a word, the form and the character at which to compare, how many bytes before the word that
   * character starts, and the next anchor. Number 0 stands for none.
   */
  anchors: Int32Array = new Int32Array(ANCHOR << MIN_BITS);
  #count = 1;
  readonly #word = new Int32Array(1);
  readonly #bytes = new Uint8Array(this.#word.buffer);
  readonly #room = new Uint8Array(ROOM);

  /** Zeroes what was made of the keys. */
  clear(): void {
    for (const array of [this.bits, this.heads, this.anchors, this.#word, this.#room]) array.fill(0);
  }

  /** Adds the anchors of a form, which has this number. */
  addForm(form: KeyForm, number: number): void {
    const { codes, gap, gapRequired } = form;
    const { length } = codes;
    const all = [...codes.keys()];
    const first = all.slice(0, SITES).map((site) => Math.floor((site * Math.max(0, length - RUN)) / (SITES - 1)));
    const sites = [...new Set(first.flatMap((unit) => all.slice(unit, unit + RUN)))];
    const add = (
      units: readonly number[],
      pick: Pick,
      before = '',
      after = '',
      between: string | typeof NOTHING = '',
    ): void => {
      const [lead, follow] = [Buffer.from(before, 'latin1'), Buffer.from(after, 'latin1')];
      const rest = between === NOTHING ? undefined : Buffer.from(between, 'latin1');
      for (const unit of units) this.#addUnit({ form, number, unit, pick, before: lead, after: follow, between: rest });
    };
    const addList = (separator: string): void => {
      add(sites, () => true, separator.length > 1 ? separator.slice(-2) : '', separator, separator);
    };
    if (gap === 'list') {
      if (gapRequired) {
        for (const separator of DECIMAL_GAPS) addList(separator);
        for (const [before, after] of OBJECT_GAPS) add(sites, () => true, before, after, NOTHING);
      } else {
        add(all, () => true);
        for (const separator of HEX_GAPS) addList(separator);
      }
      return;
    }
    const isText = gap === 'soft-break';
    // Each encoding of text: of what is neither letter nor digit, and of every character.
    for (const style of isText ? TEXT_STYLES : [URL_DIGIT]) {
      const pick: Pick = (spelling, code) =>
        spelling.style === RAW || (spelling.style === style && !(isText && isAlphanumeric(code)));
      add(form.isNested ? sites : all, pick);
      if (isText) add(sites, (spelling) => spelling.style === style);
    }
    if (length >= UNBROKEN) return;
    const isSingle: Pick = ({ bytes }) => bytes.length === 1;
    for (const unit of all.slice(0, -1)) {
      const before = Buffer.from(codes.subarray(Math.max(0, unit - 2), unit)).toString('latin1');
      for (const after of isText ? SOFT_BREAKS : LINE_BREAKS) add([unit], isSingle, before, after);
    }
  }

  #addUnit(site: Site): void {
    const { before, after } = site;
    const code = site.form.codes[site.unit] as number;
    this.#room.set(before);
    for (const spelling of site.form.spellings[code]?.all ?? []) {
      if (!site.pick(spelling, code)) continue;
      const { bytes, prefix } = spelling;
      this.#room.set(bytes, before.length);
      this.#room.set(after, before.length + bytes.length);
      // Around the bytes that tell characters apart, if four words in a row are.
      const isLong = before.length === 2 || prefix > 1;
      const range: Range = {
        from: isLong ? Math.max(0, before.length + prefix - 2) : 0,
        to: isLong ? before.length + prefix + 2 : before.length + bytes.length + after.length,
      };
      this.#spellNext(site, site.unit + 1, before.length + bytes.length + after.length, range);
    }
  }

  /** Writes each spelling of the characters from `unit` on until all words of a range are whole, and adds them. */
  #spellNext(site: Site, unit: number, at: number, range: Range): void {
    const { form, number, pick, before, between } = site;
    const code = form.codes[unit];
    if (code === undefined || between === undefined || at >= range.to + WORD - 1 || at + MAX_SPELLING > ROOM) {
      for (let start = range.from; start < range.to && start + WORD <= at; start++) {
        this.#bytes.set(this.#room.subarray(start, start + WORD));
        this.#add(this.#word[0] as number, number, site.unit, start - before.length);
      }
      return;
    }
    for (const spelling of form.spellings[code]?.all ?? []) {
      if (!pick(spelling, code)) continue;
      const { bytes } = spelling;
      this.#room.set(bytes, at);
      this.#room.set(between, at + bytes.length);
      this.#spellNext(site, unit + 1, at + bytes.length + between.length, range);
    }
  }

  #add(word: number, form: number, unit: number, delta: number): void {
    const { anchors, heads } = this;
    let repeats = 0;
    let at = ANCHOR * (heads[hashWord(word) >>> this.shift] as number);
    for (; at !== 0; at = ANCHOR * (anchors[at + 4] as number)) {
      if (anchors[at] !== word || anchors[at + 1] !== form) continue;
      if (anchors[at + 2] === unit && anchors[at + 3] === delta) return;
      repeats++;
    }
    if (repeats === MAX_REPEATS) return;
    if (ANCHOR * this.#count === this.anchors.length) this.#grow();
    this.anchors.set([word, form, unit, delta], ANCHOR * this.#count);
    this.#link(this.#count++);
  }

  #link(anchor: number): void {
    const hash = hashWord(this.anchors[ANCHOR * anchor] as number);
    const head = hash >>> this.shift;
    this.anchors[ANCHOR * anchor + 4] = this.heads[head] as number;
    this.heads[head] = anchor;
    const bit = hash >>> (this.shift - 5);
    this.bits[bit >>> 5] = (this.bits[bit >>> 5] as number) | (1 << bit);
  }

  #grow(): void {
    const old = [this.anchors, this.heads, this.bits] as const;
    this.anchors = new Int32Array(2 * this.anchors.length);
    this.anchors.set(old[0]);
    this.heads = new Int32Array(2 * this.heads.length);
    this.bits = new Int32Array(this.heads.length);
    this.shift--;
    for (let anchor = 1; anchor < this.#count; anchor++) this.#link(anchor);
    for (const array of old) array.fill(0);
  }
}

/** Places in the room where words of a site start. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Returns the hash of a word, whose highest bits name its head and its bit. */
export function hashWord(word: number): number {
  return Math.imul(word, 0x9e3779b1);
}
