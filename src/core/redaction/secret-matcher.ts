/** Replacement of a key. */
export const REDACTED = '[REDACTED]';

/** Length of the shortest key. Encodings of a shorter one would be found everywhere. */
const MIN_LENGTH = 8;
/** Longest run of backslashes before an escaped character: each level of JSON in JSON doubles it. */
const MAX_BACKSLASHES = 16;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;
const PADDING = 0x3d;

/**
 * Finds keys in text: raw, percent-encoded or JSON-escaped (also in part), in base64 and base64url at any alignment, in
 * hex, and as a list of byte values. Uses no regular expression, because the engine keeps the last subject.
 */
export class SecretMatcher {
  readonly #secrets: readonly string[];
  /** Base64 digits of each key. The whole run of digits around a match is replaced. */
  readonly #base64: string[] = [];
  readonly #literals: string[] = [];

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.filter((secret) => secret.length >= MIN_LENGTH);
    for (const secret of this.#secrets) {
      const bytes = Buffer.from(secret, 'latin1');
      for (const alignment of [0, 1, 2]) {
        const core = encodeBase64Core(bytes, alignment);
        this.#base64.push(core);
        const urlSafe = core.replaceAll('+', '-').replaceAll('/', '_');
        if (urlSafe !== core) this.#base64.push(urlSafe);
      }
      const hex = bytes.toString('hex');
      const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
      this.#literals.push(hex, hex.toUpperCase(), pairs.join(' '), bytes.join(','), bytes.join(', '));
      bytes.fill(0);
    }
  }

  /** Returns the text without keys, or the same string if it holds none. */
  redact(text: string): string {
    const ranges = this.#findRanges(text);
    if (ranges.length === 0) return text;
    ranges.sort((a, b) => a[0] - b[0]);
    let clean = '';
    let end = 0;
    for (const [from, to] of ranges) {
      if (to <= end) continue;
      if (from >= end) clean += text.slice(end, from) + REDACTED;
      end = to;
    }
    return clean + text.slice(end);
  }

  /** Returns whether the text holds a key. */
  contains(text: string): boolean {
    return this.#findRanges(text).length > 0;
  }

  #findRanges(text: string): Array<[from: number, to: number]> {
    const ranges: Array<[number, number]> = [];
    // Every encoding is at least as long as the key, and most searched texts (names, codes) are shorter.
    if (text.length < MIN_LENGTH) return ranges;
    for (const secret of this.#secrets) {
      for (const lead of new Set([secret.charAt(0), '%', '\\'])) {
        for (let at = text.indexOf(lead); at >= 0; at = text.indexOf(lead, at + 1)) {
          const end = matchEscaped(text, at, secret, 0);
          if (end >= 0) ranges.push([at, end]);
        }
      }
    }
    for (const literal of this.#literals) {
      for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + 1)) {
        ranges.push([at, at + literal.length]);
      }
    }
    for (const core of this.#base64) {
      let to = 0;
      for (let at = text.indexOf(core); at >= 0; at = text.indexOf(core, to)) {
        let from = at;
        to = at + core.length;
        while (from > 0 && isBase64Digit(text.charCodeAt(from - 1))) from--;
        while (to < text.length && isBase64Digit(text.charCodeAt(to))) to++;
        while (text.charCodeAt(to) === PADDING) to++;
        ranges.push([from, to]);
      }
    }
    return ranges;
  }
}

/** Matches `secret` from its character `index` at `at`, each character raw or escaped. Returns the end of the match, or -1. */
function matchEscaped(text: string, at: number, secret: string, index: number): number {
  let position = at;
  for (let next = index; next < secret.length; next++) {
    const wanted = secret.charCodeAt(next);
    const seen = text.charCodeAt(position);
    if (seen !== PERCENT && seen !== BACKSLASH) {
      if (seen !== wanted) return -1;
      position++;
      continue;
    }
    const escaped =
      seen === PERCENT ? matchPercentEscape(text, position, wanted) : matchBackslashEscape(text, position, wanted);
    if (seen !== wanted) {
      if (escaped < 0) return -1;
      position = escaped;
      continue;
    }
    // The key has a % or a backslash here, which may be raw or escaped; a % may be escaped several times over.
    for (let after = escaped; after >= 0;) {
      const end = matchEscaped(text, after, secret, next + 1);
      if (end >= 0) return end;
      after = seen === PERCENT && parseHex(text, after, 2) === PERCENT ? after + 2 : -1;
    }
    position++;
  }
  return position;
}

/** Returns the end of `%XX` or `%25XX` if it encodes `wanted`, else -1. */
function matchPercentEscape(text: string, at: number, wanted: number): number {
  let position = at + 1;
  let value = parseHex(text, position, 2);
  while (value === PERCENT && value !== wanted) {
    position += 2;
    value = parseHex(text, position, 2);
  }
  return value === wanted ? position + 2 : -1;
}

/** Returns the end of `\c` or `\u00XX`, after any number of backslashes, if it encodes `wanted`, else -1. */
function matchBackslashEscape(text: string, at: number, wanted: number): number {
  let position = at;
  while (text.charCodeAt(position) === BACKSLASH && position - at < MAX_BACKSLASHES) position++;
  if (text.charCodeAt(position) === wanted) return position + 1;
  const unicode = text.charCodeAt(position) === SMALL_U && parseHex(text, position + 1, 4) === wanted;
  if (unicode) return position + 5;
  return wanted === BACKSLASH ? position : -1;
}

function parseHex(text: string, at: number, digits: number): number {
  let value = 0;
  for (let index = at; index < at + digits; index++) {
    const code = text.charCodeAt(index);
    const digit =
      code >= 0x30 && code <= 0x39
        ? code - 0x30
        : (code | 0x20) >= 0x61 && (code | 0x20) <= 0x66
          ? (code | 0x20) - 0x57
          : NaN;
    value = value * 16 + digit;
  }
  return value;
}

/** Returns the base64 digits that depend on the key alone if it starts `alignment` bytes into a group of three. */
function encodeBase64Core(bytes: Uint8Array, alignment: number): string {
  const padded = Buffer.alloc(alignment + bytes.byteLength);
  padded.set(bytes, alignment);
  const digits = padded.toString('base64');
  padded.fill(0);
  return digits.slice(Math.ceil((alignment * 8) / 6), Math.floor(((alignment + bytes.byteLength) * 8) / 6));
}

function isBase64Digit(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x2b ||
    code === 0x2f ||
    code === 0x2d ||
    code === 0x5f
  );
}
