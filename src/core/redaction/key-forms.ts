/** Length of the part of a form that is looked for first. No form is shorter, and no run of a key that is shorter is found. */
export const WINDOW = 8;

/** Longest form that is looked for; only a key of several thousand characters has a longer one. */
const MAX_FORM = 32_767;
/** Number of bytes that Node.js shows of a Buffer. */
const INSPECTED_BYTES = 50;
/** Longest encoding of one byte: `0xff`, or a backslash before each of two characters. */
const MAX_EXPANSION = 4;

// In lower case, as every form: text is compared without regard to case.
const HEX = Buffer.from('0123456789abcdef');
const BASE64 = Buffer.from('abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789+/');
const URI_COMPONENT = Buffer.from("-_.!~*'()");
const FORM_URLENCODED = Buffer.from('-_.*');
const RFC_3986 = Buffer.from('-_.~');

/** One way in which text shows a key, in lower case. */
export interface KeyForm {
  readonly codes: Uint8Array;
  /** True if white space, colons, commas and the like may stand between the characters: a wrapped line, a list of bytes. */
  readonly spaced: boolean;
  /** True if the digits around it belong to it: base64 of a longer text. */
  readonly base64: boolean;
}

/** Lists the forms of a key in which all characters are encoded alike. The caller zeroes them. */
export function listKeyForms(key: Uint8Array): KeyForm[] {
  const forms: KeyForm[] = [];
  const add = (codes: Uint8Array, spaced: boolean, base64 = false): void => {
    const isKnown = forms.some((form) => form.spaced === spaced && Buffer.compare(form.codes, codes) === 0);
    if (isKnown || codes.length < WINDOW || codes.length > MAX_FORM) codes.fill(0);
    else forms.push({ codes, spaced, base64 });
  };
  add(encodeEach(key, writePlain), false);
  add(encodeEach(key, writeJson), false);
  for (const unescaped of [URI_COMPONENT, FORM_URLENCODED, RFC_3986]) {
    add(
      encodeEach(key, (byte, to, at) => {
        const isKept = isAlphanumeric(byte) || unescaped.includes(byte);
        return isKept ? writePlain(byte, to, at) : writeAll(to, at, 0x25, hexDigit(byte >> 4), hexDigit(byte));
      }),
      false,
    );
  }
  add(encodeEach(key, writeHex), true);
  if (key.length > INSPECTED_BYTES) add(encodeEach(key.subarray(0, INSPECTED_BYTES), writeHex), true);
  add(
    encodeEach(key, (byte, to, at) => writeAll(to, at, 0x30, 0x78, hexDigit(byte >> 4), hexDigit(byte))),
    true,
  );
  add(encodeEach(key, writeDecimal), true);
  for (const alignment of [0, 1, 2]) {
    const core = encodeBase64Core(key, alignment);
    // The url-safe minus counts as space between the digits.
    add(
      core.filter((code) => code !== 0x2b).map((code) => (code === 0x2f ? 0x5f : code)),
      true,
      true,
    );
    add(core, true, true);
  }
  return forms;
}

/** Returns a code in lower case. */
export function foldCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

type Write = (byte: number, to: Uint8Array, at: number) => number;

function encodeEach(key: Uint8Array, write: Write): Uint8Array {
  const room = new Uint8Array(key.length * MAX_EXPANSION);
  let length = 0;
  for (const byte of key) length = write(byte, room, length);
  const codes = room.slice(0, length);
  room.fill(0);
  return codes;
}

function writeAll(to: Uint8Array, at: number, ...codes: number[]): number {
  to.set(codes, at);
  return at + codes.length;
}

function writePlain(byte: number, to: Uint8Array, at: number): number {
  to[at] = foldCase(byte);
  return at + 1;
}

function writeJson(byte: number, to: Uint8Array, at: number): number {
  const isEscaped = byte === 0x22 || byte === 0x5c;
  return writePlain(byte, to, isEscaped ? writeAll(to, at, 0x5c) : at);
}

function writeHex(byte: number, to: Uint8Array, at: number): number {
  to[at] = hexDigit(byte >> 4);
  to[at + 1] = hexDigit(byte);
  return at + 2;
}

function writeDecimal(byte: number, to: Uint8Array, at: number): number {
  let end = at;
  if (byte >= 100) to[end++] = 0x30 + Math.floor(byte / 100);
  if (byte >= 10) to[end++] = 0x30 + (Math.floor(byte / 10) % 10);
  to[end++] = 0x30 + (byte % 10);
  return end;
}

function hexDigit(nibble: number): number {
  return HEX[nibble & 15] as number;
}

function isAlphanumeric(byte: number): boolean {
  const folded = foldCase(byte);
  return (folded >= 0x61 && folded <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
}

/** Returns the base64 digits that depend on the key alone if it starts `alignment` bytes into a group of three. */
function encodeBase64Core(key: Uint8Array, alignment: number): Uint8Array {
  const first = Math.ceil((alignment * 8) / 6);
  const codes = new Uint8Array(Math.floor(((alignment + key.length) * 8) / 6) - first);
  for (let index = 0; index < codes.length; index++) {
    const bit = (first + index) * 6 - alignment * 8;
    const at = bit >> 3;
    const pair = ((key[at] ?? 0) << 8) | (key[at + 1] ?? 0);
    codes[index] = BASE64[(pair >> (10 - (bit & 7))) & 63] as number;
  }
  return codes;
}
