import { REDACTED, tryOrUndefined, type SecretMatcher } from '../../core/index.js';
import { parseExactJson } from '../values/decimal.js';

// The core's search of whole objects would cost as much as the request does.

const BYTE_ORDER_MARK = 0xfeff;
/** Longest text that is remembered. */
const MAX_REMEMBERED = 4_096;

/** The last text that held no key, by what searched it: until a price changes a busy service gets the same answer again. */
const lastClean = new WeakMap<SecretMatcher, string>();

/**
 * Parses JSON and replaces the key in every name, string and number. A number that no double holds stays a string of its
 * digits. Returns `undefined` unless the text is an object or an array.
 */
export function parseRedacted(text: string, key: SecretMatcher): object | undefined {
  let body: unknown;
  try {
    // PHP may send a byte order mark, which is not JSON.
    body = parseExactJson(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  if (lastClean.get(key) === text) return body;
  // An escape can hide an encoded key from a search of the whole text.
  if (text.includes('\\') || key.contains(text)) return redactBody(body, key);
  if (text.length <= MAX_REMEMBERED) lastClean.set(key, text);
  return body;
}

/** Replaces the key in a body that holds it; returns `undefined` where it cannot be found. */
function redactBody(body: object, key: SecretMatcher): object | undefined {
  return tryOrUndefined(() => {
    // Deeper than any price lies, it throws.
    const clean = redactValue(body, key);
    return typeof clean !== 'object' || key.contains(JSON.stringify(clean)) ? undefined : (clean as object);
  });
}

/** Returns an error with the name, code and message of `error`, without the key; nothing else is kept. */
export function copyRedacted(error: unknown, key: SecretMatcher): Error {
  const { name, message, cause, code } = (error ?? {}) as Partial<Record<string, unknown>>;
  const copy = new Error(typeof message === 'string' ? key.redact(message) : 'no message');
  copy.name = typeof name === 'string' ? key.redact(name) : 'Error';
  copy.stack = `${copy.name}: ${copy.message}`;
  // The message of `fetch` is always "fetch failed"; the code is on the cause.
  const reason = code ?? (cause as { code?: unknown } | null | undefined)?.code;
  return typeof reason === 'string' ? Object.assign(copy, { code: key.redact(reason) }) : copy;
}

function redactValue(value: unknown, key: SecretMatcher): unknown {
  if (typeof value === 'string') return key.redact(value);
  // A key of digits alone may come back as a number.
  if (typeof value === 'number') return key.contains(String(value)) ? REDACTED : value;
  if (typeof value !== 'object' || value === null) return value;
  const clean = Array.isArray(value)
    ? value.map((item) => redactValue(item, key))
    : Object.fromEntries(Object.entries(value).map(([name, item]) => [key.redact(name), redactValue(item, key)]));
  // Several values together may show it, such as a list of its bytes.
  const isFlat = Object.values(clean).every((item) => typeof item !== 'object');
  return isFlat && key.contains(JSON.stringify(clean)) ? REDACTED : clean;
}
