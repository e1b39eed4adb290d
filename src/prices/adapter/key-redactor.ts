import { parseExactly } from '../values/exact-json.js';

const HIDDEN = '[REDACTED]';
const BYTE_ORDER_MARK = '\ufeff';

/** Every form in which a key may stand in a text: as it is, in a URL, in JSON, in base64, in hex. */
function formsOf(key: string): string[] {
  const bytes = Buffer.from(key);
  const hex = bytes.toString('hex');
  // Without its padding, which is found with and without.
  const base64url = bytes.toString('base64url');
  const forms = [key, base64url, hex, hex.toUpperCase()];
  const base64 = base64url.replaceAll('-', '+').replaceAll('_', '/');
  if (base64 !== base64url) forms.push(base64);
  if (isPlain(key)) return forms;
  const encoded = encodeURIComponent(key);
  const escapes = encoded
    .split('%')
    .map((part, index) => (index === 0 ? part : part.slice(0, 2).toLowerCase() + part.slice(2)));
  const form = new URLSearchParams({ k: key }).toString().slice(2);
  const json = JSON.stringify(key).slice(1, -1);
  // A URL that is parsed and written again keeps all of it but the apostrophe.
  const href = encoded.replaceAll("'", '%27');
  return [...new Set([href, encoded, escapes.join('%'), form, json.replaceAll('/', '\\/'), json, ...forms])];
}

/** Whether URLs, forms and JSON all leave the key alone: nearly every key, and a tenth of an answer's cost. */
function isPlain(key: string): boolean {
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!isLetter && !(code >= 0x30 && code <= 0x39) && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return true;
}

/**
 * Hides one key in an answer. The core's redaction looks deeper, but costs as much as a request does; here every answer
 * is looked through. No regular expression touches the key: the engine keeps the last subject of one.
 */
export class KeyHider {
  readonly #forms: readonly string[];

  constructor(key: string) {
    this.#forms = key === '' ? [] : formsOf(key);
  }

  /** `text` with every form of the key replaced. */
  text(text: string): string {
    let hidden = text;
    for (const form of this.#forms) hidden = hidden.replaceAll(form, HIDDEN);
    return hidden;
  }

  /**
   * Parses JSON and hides the key in every string and number of it, names included; a number no double holds is a string
   * of its digits. Throws a SyntaxError without the text.
   */
  json(text: string): unknown {
    let body: unknown;
    try {
      // A byte order mark is no JSON, but PHP sends it unasked.
      body = parseExactly(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
    } catch {
      throw new SyntaxError('not JSON');
    }
    // An escape can spell the key in ways a look at the text does not see.
    return text.includes('\\u') || this.#forms.some((form) => text.includes(form)) ? this.#value(body) : body;
  }

  /** An error that tells as much as `error` without the key: name, code and message; nothing else is kept. */
  error(error: unknown): Error {
    const { name, message, code = codeOf(error) } = (error ?? {}) as Partial<Record<string, unknown>>;
    const copy = new Error(this.text(typeof message === 'string' ? message : 'no message'));
    copy.name = typeof name === 'string' ? this.text(name) : 'Error';
    copy.stack = `${copy.name}: ${copy.message}`;
    return typeof code === 'string' ? Object.assign(copy, { code: this.text(code) }) : copy;
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    // A key of digits alone may come back as a number.
    if (typeof value === 'number') return this.#forms.some((form) => String(value).includes(form)) ? HIDDEN : value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.text(name), this.#value(item)]));
  }
}

/** The code of what is behind an error: `fetch` says "fetch failed" of everything. */
function codeOf(error: unknown): unknown {
  return (error as { cause?: { code?: unknown } | null } | null | undefined)?.cause?.code;
}
