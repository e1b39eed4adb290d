import { KeyFormatError, quote, tryOrUndefined, type GoldKeyErrorOptions } from '../../core/index.js';

/** Names of fields that a message lists. */
const MAX_NAMES = 10;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Returns the JSON object or array in a text, or `undefined`. The parser's error would quote the secret. */
export function parseDocument(text: string): object | undefined {
  // Trimming takes a byte order mark off too.
  const value = tryOrUndefined((): unknown => JSON.parse(text.trim()));
  return typeof value === 'object' && value !== null ? value : undefined;
}

/**
 * Returns the bytes of a key. Zeroes them and throws if they are a JSON object or array, which holds more than the key.
 *
 * @param subject - the start of the message, e.g. `The secret`
 * @param advice - the end of the message. Default: to store the key alone
 */
export function refuseDocument(
  bytes: Uint8Array,
  subject: string,
  about: GoldKeyErrorOptions,
  advice: string = 'store the key alone',
): Uint8Array {
  // Other text is not copied: a string cannot be zeroed.
  const start = bytes.findIndex((byte, index) => byte > 0x20 && byte !== BYTE_ORDER_MARK[index]);
  if (bytes[start] !== 0x7b && bytes[start] !== 0x5b) return bytes;
  const document = parseDocument(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  if (document === undefined) return bytes;
  bytes.fill(0);
  throw new KeyFormatError(`${subject} is ${describeDocument(document)}, not a key; ${advice}.`, about);
}

function describeDocument(document: object): string {
  if (Array.isArray(document)) return 'a JSON array';
  const names = Object.keys(document);
  const values = JSON.stringify(Object.values(document));
  // A name may be a key itself, as in a table of keys.
  const shown = names.filter((name) => isPlainName(name) && !values.includes(name)).slice(0, MAX_NAMES);
  if (shown.length === 0) return `a JSON object of ${String(names.length)} fields`;
  const more = names.length === shown.length ? '' : ` and ${String(names.length - shown.length)} more`;
  return `a JSON object with the fields ${shown.map((name) => quote(name)).join(', ')}${more}`;
}

function isPlainName(name: string): boolean {
  return /^[A-Za-z_][\w .-]{0,39}$/.test(name) && (name.length < 20 || !/\d/.test(name));
}
