import { allocateBytes, copyBytes } from '../util/bytes.js';
import { foldCase, WINDOW } from './window-hash.js';

/** Longest form that is looked for; only a key of several thousand characters has a longer one. */
const MAX_FORM = 32_767;
/** Number of bytes that Node.js shows of a Buffer, and of any other typed array. */
const INSPECTED_BUFFER = 50;
const INSPECTED_ARRAY = 100;
/** Longest encoding of one byte: its position and its value. */
const MAX_EXPANSION = 8;

// In lower case, as every form: text is compared without regard to case.
const HEX = new TextEncoder().encode('0123456789abcdef');
const BASE64 = new TextEncoder().encode('abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789+/');
const ZERO = 0x30;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;

/** Plaintext, as it is at hand: bytes made of a string, or a string of bytes, would be one more copy in memory. */
export type Key = string | Uint8Array;

/** One way in which text shows a key whose characters are all encoded alike. */
export interface Form {
  /** True if white space and punctuation may stand between the characters: a wrapped line, a list of bytes. */
  readonly spaced: boolean;
  /** True if the digits around it belong to it: base64 of a longer text. */
  readonly base64: boolean;
  /** Length of the part of a longer key that is shown. A key that is no longer has no such form. */
  readonly shown: number | undefined;
  /** Number of bytes at the end of a key of which it makes a window at least. */
  readonly tail: number;
  /** Writes the form of the bytes from one position to another, in lower case, and returns its length: 0 if there is none. */
  write(key: Key, from: number, to: number, out: Uint8Array): number;
}

/** Writes one byte, and returns the position after it. `index` is its place in the key. */
type WriteByte = (byte: number, out: Uint8Array, at: number, index: number) => number;

/** The forms of a key that is held. Its raw text, and one that is escaped in whole or in part, are found otherwise. */
export const HELD_FORMS: readonly Form[] = [
  createForm(writeHex, true, 4),
  createForm(writeHex, true, 4, INSPECTED_BUFFER),
  createForm((byte, out, at) => writeHex(byte, out, write(out, write(out, at, ZERO), 0x78)), true, 2),
  createForm(writeDecimal, true, WINDOW),
  createForm(writeDecimal, true, WINDOW, INSPECTED_ARRAY),
  // {"0":115,"1":107}, as JSON shows a Uint8Array.
  createForm((byte, out, at, index) => writeDecimal(byte, out, writeDecimal(index, out, at)), true, 4),
  ...[0, 1, 2].map(createBase64Form),
  { spaced: false, base64: false, shown: undefined, tail: 0, write: writeRounded },
];

const GONE_FORMS: readonly Form[] = [
  createForm(writePlain, false, WINDOW),
  createForm(
    (byte, out, at) => {
      const isEscaped = byte === 0x22 || byte === BACKSLASH;
      return writePlain(byte, out, isEscaped ? write(out, at, BACKSLASH) : at);
    },
    false,
    WINDOW,
  ),
  // Characters that encodeURIComponent, it in a URL, URLSearchParams, RFC 3986, axios, encodeURI and a URL's query keep.
  ...[
    "-_.!~*'()",
    '-_.!~*()',
    '-_.*',
    '-_.~',
    "-_.!~*'():$,[]",
    "-_.!~*'();,/?:@&=+$#",
    '-_.!~*();,/?:@&=+$[]^|`{}%\\',
  ].map((kept) => {
    const unescaped = new TextEncoder().encode(kept);
    return createForm(
      (byte, out, at) => {
        const isKept = isAlphanumeric(byte) || unescaped.includes(byte);
        return isKept ? writePlain(byte, out, at) : writeHex(byte, out, write(out, at, PERCENT));
      },
      false,
      WINDOW,
    );
  }),
  ...HELD_FORMS,
];

/** Lists the forms of a key that is about to go, each once. The caller zeroes the codes. */
export function listGoneForms(key: Uint8Array): Array<{ form: Form; codes: Uint8Array }> {
  const found: Array<{ form: Form; codes: Uint8Array }> = [];
  for (const form of GONE_FORMS) {
    const codes = writeForm(form, key);
    // No form that may be spaced is the same as one that may not.
    const isKnown = found.some((other) => Buffer.compare(other.codes, codes) === 0);
    if (isKnown || codes.length < WINDOW || codes.length > MAX_FORM) codes.fill(0);
    else found.push({ form, codes });
  }
  return found;
}

/** Returns a form of a key; of no length if the key has no such form. */
export function writeForm(form: Form, key: Key): Uint8Array {
  const to = findEnd(form, key);
  const room = allocateBytes(to * MAX_EXPANSION);
  const codes = copyBytes(room.subarray(0, form.write(key, 0, to, room)));
  room.fill(0);
  return codes;
}

/** Returns how much of a key has this form: all, the part that is shown, or nothing. */
export function findEnd({ shown }: Form, key: Key): number {
  if (shown === undefined) return key.length;
  return key.length > shown ? shown : 0;
}

function createForm(writeByte: WriteByte, spaced: boolean, tail: number, shown?: number): Form {
  return {
    spaced,
    base64: false,
    shown,
    tail,
    write(key, from, to, out) {
      let length = 0;
      for (let index = from; index < to; index++) length = writeByte(readCode(key, index), out, length, index);
      return length;
    },
  };
}

/**
 * Creates the form of the base64 digits that depend on the key alone if it starts `alignment` bytes into a group of three.
 * Covers both alphabets at once: plus and minus count as space, and an underscore as a slash.
 */
function createBase64Form(alignment: number): Form {
  return {
    spaced: true,
    base64: true,
    shown: undefined,
    tail: 9,
    write(key, from, to, out) {
      let length = 0;
      const end = Math.floor(((alignment + to) * 8) / 6);
      for (let digit = Math.ceil(((alignment + from) * 8) / 6); digit < end; digit++) {
        const bit = digit * 6 - alignment * 8;
        const pair = (readCode(key, bit >> 3) << 8) | readCode(key, (bit >> 3) + 1);
        const code = BASE64[(pair >> (10 - (bit & 7))) & 63] as number;
        if (code !== PLUS) out[length++] = code;
      }
      return length;
    },
  };
}

/** Writes a key of digits alone as JavaScript prints the number, if that differs: it has too many digits, or leading zeros. */
function writeRounded(key: Key, _from: number, to: number, out: Uint8Array): number {
  let digits = '';
  for (let index = 0; index < to; index++) {
    const code = readCode(key, index);
    if (!isDigit(code)) return 0;
    digits += String.fromCharCode(code);
  }
  const number = Number(digits);
  const printed = Buffer.from(String(number));
  if (!Number.isFinite(number) || String(number) === digits) return 0;
  out.set(printed);
  return printed.length;
}

function write(out: Uint8Array, at: number, code: number): number {
  out[at] = code;
  return at + 1;
}

function writePlain(byte: number, out: Uint8Array, at: number): number {
  return write(out, at, foldCase(byte));
}

function writeHex(byte: number, out: Uint8Array, at: number): number {
  out[at] = HEX[byte >> 4] as number;
  out[at + 1] = HEX[byte & 15] as number;
  return at + 2;
}

function writeDecimal(number: number, out: Uint8Array, at: number): number {
  const end = number < 10 ? at : writeDecimal(Math.floor(number / 10), out, at);
  return write(out, end, ZERO + (number % 10));
}

function readCode(key: Key, index: number): number {
  return (typeof key === 'string' ? key.charCodeAt(index) : key[index]) || 0;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

function isAlphanumeric(byte: number): boolean {
  const folded = foldCase(byte);
  return (folded >= 0x61 && folded <= 0x7a) || isDigit(byte);
}
