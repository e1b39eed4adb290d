import { allocateBytes, copyBytes } from '../../../core/index.js';

/** One way to write one character: its bytes, and the bit of the encoding that it belongs to. */
export interface Spelling {
  readonly bytes: Uint8Array;
  readonly style: number;
  /** Number of bytes before those that differ from character to character. */
  readonly prefix: number;
}

/** The spellings of one character. */
export interface Spellings {
  readonly all: readonly Spelling[];
  /** The same by their first byte, and by their last. */
  readonly byFirst: ReadonlyArray<readonly Spelling[] | undefined>;
  readonly byLast: ReadonlyArray<readonly Spelling[] | undefined>;
}

/** Gaps that may stand between two characters: the end of a line only, white space and quotes, or the separators of a list. */
export type Gap = 'soft-break' | 'wrap' | 'list';

/**
 * One way in which a key is written: a text of its own, such as the digits of base64, each character of which has several
 * spellings. Only `codes` is made of the key, to be zeroed.
 */
export interface KeyForm {
  readonly codes: Uint8Array;
  /** The spellings of each character, by its code. */
  readonly spellings: readonly Spellings[];
  readonly gap: Gap;
  /** True if something must stand between two characters. */
  readonly gapRequired: boolean;
  /** True for base64 of text that is itself encoded: it is long, and one of many. */
  readonly isNested: boolean;
  /** Returns the name of the form by the bits of the spellings, and of gaps, that were met. */
  name(styles: number): string;
}

export const RAW = 0;
/** The encodings of text: each is looked for alone, and together with raw characters. */
const PERCENT = 1;
const PERCENT_TWICE = 2;
const JSON_ESCAPE = 4;
const HTML = 8;
const QUOTED_PRINTABLE = 16;
export const TEXT_STYLES: readonly number[] = [PERCENT, PERCENT_TWICE, JSON_ESCAPE, HTML, QUOTED_PRINTABLE];
/** A digit of the URL alphabet of base64. */
export const URL_DIGIT = 32;
/** The bit of a gap. */
export const GAP = 64;

const TEXT_NAMES: ReadonlyArray<readonly [style: number, name: string]> = [
  [PERCENT | PERCENT_TWICE, 'percent'],
  [JSON_ESCAPE, 'json'],
  [HTML, 'html'],
  [QUOTED_PRINTABLE | GAP, 'quoted-printable'],
];

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const ENTITIES =
  '!excl "quot #num $dollar %percnt &amp \'apos (lpar )rpar *ast +plus ,comma -hyphen .period /sol :colon ;semi <lt =equals >gt ?quest @commat [lsqb \\bsol ]rsqb ^Hat _lowbar `grave {lcub |verbar }rcub ~tilde';
const NAMES: ReadonlyMap<string, string> = new Map(
  ENTITIES.split(' ').map((entity) => [entity.charAt(0), entity.slice(1)]),
);
/** Printable ASCII, of which keys are made, ends here. */
const CODES = 127;

const spell = (style: number, prefix: string, texts: readonly string[], suffix = ''): Spelling[] =>
  [...new Set(texts)].map((text) => ({
    bytes: Buffer.from(prefix + text + suffix, 'latin1'),
    style,
    prefix: prefix.length,
  }));
const tableOf = (spellCode: (code: number, char: string) => readonly Spelling[]): readonly Spellings[] =>
  Array.from({ length: CODES }, (_, code) => {
    const all = spellCode(code, String.fromCharCode(code));
    const indexBy = (at: number): ReadonlyArray<readonly Spelling[] | undefined> => {
      const index: Spelling[][] = [];
      for (const spelling of all) (index[spelling.bytes.at(at) ?? 0] ??= []).push(spelling);
      return Array.from({ length: 256 }, (_none, byte) => index[byte]);
    };
    return { all, byFirst: indexBy(0), byLast: indexBy(-1) };
  });
const bothCases = (code: number, digits = 2): string[] => {
  const hex = code.toString(16).padStart(digits, '0');
  return [hex, hex.toUpperCase()];
};

export function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

/** The spellings of a character in text, raw first. */
const TEXT = tableOf((code, char) => {
  const hex = bothCases(code);
  const name = NAMES.get(char);
  return [
    ...spell(RAW, '', [char]),
    ...spell(PERCENT, '%', hex),
    ...spell(PERCENT_TWICE, '%25', hex),
    ...['\\u00', '\\\\u00', '\\x', '\\\\x'].flatMap((prefix) => spell(JSON_ESCAPE, prefix, hex)),
    ...spell(JSON_ESCAPE, '\\', [code.toString(8).padStart(3, '0')]),
    ...(isAlphanumeric(code) ? [] : ['\\', '\\\\', '\\\\\\']).flatMap((prefix) => spell(JSON_ESCAPE, prefix, [char])),
    ...['&#', '&#0'].flatMap((prefix) => spell(HTML, prefix, [String(code)], ';')),
    ...['&#x', '&#X', '&#x00'].flatMap((prefix) => spell(HTML, prefix, hex, ';')),
    ...(name === undefined ? [] : spell(HTML, '&', [name], ';')),
    ...spell(QUOTED_PRINTABLE, '=', hex),
  ];
});

/** The spellings of a digit of base64: in either alphabet, and escaped as in text where it is punctuation. */
const DIGITS = tableOf((code, char) => {
  const [raw = [], ...escaped] = (TEXT[code]?.all ?? []).map((spelling) => [spelling]);
  if (char !== '+' && char !== '/') return raw;
  return [...raw, ...spell(URL_DIGIT, '', [char === '+' ? '-' : '_']), ...escaped.flat()];
});

const HEX = tableOf((code) => spell(RAW, '', bothCases(code)));
const DECIMAL = tableOf((code) => spell(RAW, '', [String(code)]));

/** Lists the forms of a key. The caller zeroes their codes. */
export function listKeyForms(key: Uint8Array): KeyForm[] {
  const wide = allocateBytes(2 * key.length);
  key.forEach((code, index) => (wide[2 * index] = code));
  const forms: KeyForm[] = [
    { codes: copyBytes(key), spellings: TEXT, gap: 'soft-break', gapRequired: false, isNested: false, name: nameText },
    { codes: copyBytes(key), spellings: HEX, gap: 'list', gapRequired: false, isNested: false, name: nameHex },
    {
      codes: copyBytes(key),
      spellings: DECIMAL,
      gap: 'list',
      gapRequired: true,
      isNested: false,
      name: () => 'byte-list',
    },
  ];
  const add = (codes: Uint8Array, isNested: boolean, name: KeyForm['name']): void =>
    void forms.push({ codes, spellings: DIGITS, gap: 'wrap', gapRequired: false, isNested, name });
  for (const alignment of [0, 1, 2]) {
    const digits = writeBase64(key, alignment);
    const urlDigits = digits.map((code) => (code === 0x2b ? 0x2d : code === 0x2f ? 0x5f : code));
    for (const outer of [0, 1, 2]) {
      add(writeBase64(digits, outer), true, () => 'base64-twice');
      if (Buffer.compare(digits, urlDigits) !== 0) add(writeBase64(urlDigits, outer), true, () => 'base64-twice');
    }
    urlDigits.fill(0);
    add(digits, false, nameBase64);
    add(writeBase64(wide, alignment), true, () => 'base64-utf-16le');
  }
  wide.fill(0);
  return forms;
}

/** Writes the digits of base64 that depend on these bytes alone if they start `alignment` bytes into a group of three. */
function writeBase64(bytes: Uint8Array, alignment: number): Uint8Array {
  const first = Math.ceil((alignment * 8) / 6);
  const end = Math.floor(((alignment + bytes.length) * 8) / 6);
  const digits = allocateBytes(end - first);
  for (let digit = first; digit < end; digit++) {
    const bit = digit * 6 - alignment * 8;
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    digits[digit - first] = BASE64.charCodeAt((pair >> (10 - (bit & 7))) & 63);
  }
  return digits;
}

function nameText(styles: number): string {
  return TEXT_NAMES.find(([style]) => (styles & style) !== 0)?.[1] ?? 'raw';
}

function nameHex(styles: number): string {
  return (styles & GAP) === 0 ? 'hex' : 'byte-list';
}

function nameBase64(styles: number): string {
  return (styles & URL_DIGIT) === 0 ? 'base64' : 'base64url';
}
