/** What takes a key's place. */
export const REDACTED = '[REDACTED]';

/** No key is shorter; the encodings of a shorter one would be found everywhere. */
const MIN_LENGTH = 8;
/** JSON in JSON in JSON: each level doubles them. */
const MAX_BACKSLASHES = 16;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;
const PADDING = 0x3d;

/**
 * Finds keys in text: raw, percent-encoded and JSON-escaped (also partly), in base64 and base64url at any
 * alignment, in hex, and as a list of byte values. Uses no regular expression: the engine would keep the last subject.
 */
export class SecretMatcher {
  readonly #secrets: readonly string[];
  /** Encodings that are searched for as they stand: base64 first, whose whole run is replaced. */
  readonly #base64: string[] = [];
  readonly #literals: string[] = [];

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.filter((secret) => secret.length >= MIN_LENGTH);
    for (const secret of this.#secrets) {
      const bytes = Buffer.from(secret, 'latin1');
      for (const alignment of [0, 1, 2]) {
        const core = base64Core(bytes, alignment);
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

  /** The text without keys; the very same string when it holds none. */
  redact(text: string): string {
    const ranges = this.#ranges(text);
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

  /** Whether the text holds a key. */
  found(text: string): boolean {
    return this.#ranges(text).length > 0;
  }

  #ranges(text: string): Array<[from: number, to: number]> {
    const ranges: Array<[number, number]> = [];
    // Every encoding is longer than the key; most of what is searched (names, numbers, codes) is shorter.
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
        while (from > 0 && isBase64(text.charCodeAt(from - 1))) from--;
        while (to < text.length && isBase64(text.charCodeAt(to))) to++;
        while (text.charCodeAt(to) === PADDING) to++;
        ranges.push([from, to]);
      }
    }
    return ranges;
  }
}

/** Matches `secret` from character `index` on at `at`, each character raw or escaped; the end of the match, or -1. */
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
    const escaped = seen === PERCENT ? afterPercent(text, position, wanted) : afterBackslash(text, position, wanted);
    if (seen !== wanted) {
      if (escaped < 0) return -1;
      position = escaped;
      continue;
    }
    // The key itself has a % or a backslash here: it may stand raw or escaped, a % also escaped again and again.
    for (let after = escaped; after >= 0;) {
      const end = matchEscaped(text, after, secret, next + 1);
      if (end >= 0) return end;
      after = seen === PERCENT && hexValue(text, after, 2) === PERCENT ? after + 2 : -1;
    }
    position++;
  }
  return position;
}

/** The end of `%XX`, or of `%25XX`, when it stands for `wanted`; else -1. */
function afterPercent(text: string, at: number, wanted: number): number {
  let position = at + 1;
  let value = hexValue(text, position, 2);
  while (value === PERCENT && value !== wanted) {
    position += 2;
    value = hexValue(text, position, 2);
  }
  return value === wanted ? position + 2 : -1;
}

/** The end of `\c`, or of `\u00XX`, under any number of backslashes, when it stands for `wanted`; else -1. */
function afterBackslash(text: string, at: number, wanted: number): number {
  let position = at;
  while (text.charCodeAt(position) === BACKSLASH && position - at < MAX_BACKSLASHES) position++;
  if (text.charCodeAt(position) === wanted) return position + 1;
  const unicode = text.charCodeAt(position) === SMALL_U && hexValue(text, position + 1, 4) === wanted;
  if (unicode) return position + 5;
  return wanted === BACKSLASH ? position : -1;
}

function hexValue(text: string, at: number, digits: number): number {
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

/** The base64 digits that depend on nothing but the key, when it starts `alignment` bytes into a group of three. */
function base64Core(bytes: Uint8Array, alignment: number): string {
  const padded = Buffer.alloc(alignment + bytes.byteLength);
  padded.set(bytes, alignment);
  const digits = padded.toString('base64');
  padded.fill(0);
  return digits.slice(Math.ceil((alignment * 8) / 6), Math.floor(((alignment + bytes.byteLength) * 8) / 6));
}

function isBase64(code: number): boolean {
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
