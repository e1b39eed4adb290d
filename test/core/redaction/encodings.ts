import { Buffer } from 'node:buffer';

/** Every special character that an API key may hold and some encoder changes. */
export const SPECIAL = 'k3y+/=with%special&chars"~!';
/** A key as price APIs hand them out: no encoder changes it. */
export const PLAIN = '0f1d4a9bC7e2X8k3M5n6';
/** Characters that `util.inspect`, JSON and shells escape. */
export const QUOTED = `a'b"c\\d\`e<f>g{h}|i^j`;
export const KEYS = [SPECIAL, PLAIN, QUOTED] as const;

const percent = (text: string, lower: boolean): string =>
  encodeURIComponent(text).replace(/%../g, (hex) => (lower ? hex.toLowerCase() : hex));

const form = (text: string): string => new URLSearchParams({ k: text }).toString().slice(2);

/** What PHP and others do: quotes, slashes, angle brackets and ampersands as \u00xx. */
const jsonHard = (text: string, upper: boolean): string =>
  text.replace(/["&'/<>\\]/g, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${upper ? hex.toUpperCase() : hex}`;
  });

/** Axios leaves some characters of a query as they are. */
const axiosStyle = (text: string): string =>
  encodeURIComponent(text)
    .replace(/%3A/gi, ':')
    .replace(/%24/g, '$')
    .replace(/%2C/gi, ',')
    .replace(/%20/g, '+')
    .replace(/%5B/gi, '[')
    .replace(/%5D/gi, ']');

/** Every way in which this suite writes a key into a text, by name. */
export const encoders: Record<string, (key: string) => string> = {
  raw: (key) => key,
  'URL-encoded': (key) => percent(key, false),
  'URL-encoded in lower-case hex': (key) => percent(key, true),
  'URL-encoded to the last character': (key) =>
    [...key].map((char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  'form-encoded': (key) => form(key),
  'form-encoded in lower-case hex': (key) => form(key).replace(/%../g, (hex) => hex.toLowerCase()),
  'URL-encoded as axios does': axiosStyle,
  'URL-encoded by encodeURI': (key) => encodeURI(key),
  'in the query of a URL object': (key) => new URL(`http://h/?k=${encodeURIComponent(key)}`).search.slice(3),
  'JSON-escaped': (key) => JSON.stringify(key).slice(1, -1),
  'JSON-escaped as \\u00xx': (key) => jsonHard(key, false),
  'JSON-escaped as \\u00XX': (key) => jsonHard(key, true),
  'JSON-escaped with \\/': (key) => JSON.stringify(key).slice(1, -1).replaceAll('/', '\\/'),
  base64: (key) => Buffer.from(key, 'latin1').toString('base64'),
  base64url: (key) => Buffer.from(key, 'latin1').toString('base64url'),
  'base64 after 1 byte': (key) => Buffer.from(`:${key}`, 'latin1').toString('base64'),
  'base64 after 2 bytes': (key) => Buffer.from(`u:${key}`, 'latin1').toString('base64'),
  'base64 amid others': (key) => Buffer.from(`user:${key}:more`, 'latin1').toString('base64'),
  'base64url after 1 byte': (key) => Buffer.from(`~${key}?>`, 'latin1').toString('base64url'),
  'base64url after 2 bytes': (key) => Buffer.from(`?>${key}~~`, 'latin1').toString('base64url'),
  'base64 of JSON': (key) => Buffer.from(`{"k":"${key}"}`, 'latin1').toString('base64'),
  'Basic auth': (key) => `Basic ${Buffer.from(`api:${key}`, 'latin1').toString('base64')}`,
  'Basic auth as user': (key) => `Basic ${Buffer.from(`${key}:`, 'latin1').toString('base64')}`,
  hex: (key) => Buffer.from(key, 'latin1').toString('hex'),
  HEX: (key) => Buffer.from(key, 'latin1').toString('hex').toUpperCase(),
  'hex amid others': (key) => `0${Buffer.from(`a${key}b`, 'latin1').toString('hex')}0`,
};

const unpercent = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const unescapeJson = (text: string): string =>
  text.replace(/\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|(.))/gi, (_all, u?: string, x?: string, char?: string) =>
    char === undefined ? String.fromCharCode(Number.parseInt(u ?? x ?? '', 16)) : char,
  );

/**
 * Names the encoding in which `text` holds `secret`, or undefined. It decodes the text and looks for the key in what
 * comes out, where a redactor encodes the key and looks for it in the text: so the two cannot share a mistake.
 */
export function encodingFound(text: string, secret: string): string | undefined {
  if (text.length < secret.length) return undefined;
  if (text.includes(secret)) return 'raw';
  if (text.includes('%') && unpercent(text).includes(secret)) return 'URL-encoded';
  if (text.includes('\\') && unescapeJson(text).includes(secret)) return 'JSON-escaped';
  for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{11,}/g)) {
    for (let start = 0; start < 4; start += 1) {
      if (Buffer.from(run.slice(start), 'base64').includes(secret, 0, 'latin1')) return 'base64';
    }
  }
  for (const [run] of text.matchAll(/[0-9a-f]{16,}/gi)) {
    for (let start = 0; start < 2; start += 1) {
      if (Buffer.from(run.slice(start, run.length - ((run.length - start) % 2)), 'hex').includes(secret, 0, 'latin1')) {
        return 'hex';
      }
    }
  }
  return undefined;
}

/** The same for bytes, read as text of one byte a character and of two. */
export function encodingFoundInBytes(bytes: Uint8Array, secret: string): string | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (
    encodingFound(buffer.toString('latin1'), secret) ?? (buffer.includes(secret, 0, 'utf16le') ? 'UTF-16' : undefined)
  );
}
