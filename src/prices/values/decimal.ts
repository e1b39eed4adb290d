import { tryOrUndefined } from '../../core/index.js';

// No regular expressions in here: a text may echo the key, and the engine keeps the last subject of one.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The number of digits that every double holds. */
const SAFE_DIGITS = 15;

/** The absolute value of a decimal number: `digits` times ten to the power of `exponent`. */
export interface Decimal {
  /** Neither begins nor ends with a zero; empty for zero. */
  readonly digits: string;
  readonly exponent: number;
}

/** Returns whether `text` is a number as JSON writes it: no white space, thousands separators, hex or `Infinity`. */
export function isDecimal(text: string): boolean {
  return text.trim() === text && tryOrUndefined(() => typeof JSON.parse(text)) === 'number';
}

/** Parses a number as JSON writes it. */
export function parseDecimal(number: string): Decimal {
  const unsigned = number.startsWith('-') ? number.slice(1) : number;
  const [mantissa = '', power] = unsigned.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  let start = 0;
  while (all[start] === '0') start++;
  let end = all.length;
  while (all[end - 1] === '0') end--;
  const digits = all.slice(start, end);
  return { digits, exponent: digits === '' ? 0 : Number(power ?? 0) - fraction.length + all.length - end };
}

/** Returns whether a double holds every digit of a number as JSON writes it. */
export function fitsDouble(number: string): boolean {
  const text = String(Number(number));
  // Most JSON libraries write a double the same way as String(). One with the same digits is never ten times off.
  return text === number || parseDecimal(number).digits === parseDecimal(text).digits;
}

/** Parses JSON like `JSON.parse`, but leaves a number with more digits than a double holds as a string of them. */
export function parseExactJson(text: string): unknown {
  const body: unknown = JSON.parse(text);
  const hasEscapes = text.includes('\\');
  let quoted = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = hasEscapes ? findStringEnd(text, at + 1) : text.indexOf('"', at + 1);
    if (!isNumberStart(code)) continue;
    const start = at;
    while (isNumberPart(text.charCodeAt(at + 1))) at++;
    const number = text.slice(start, at + 1);
    // A short number with an exponent can be beyond the largest double.
    const mayBeLong = number.length > SAFE_DIGITS || number.toLowerCase().includes('e');
    if (!mayBeLong || fitsDouble(number)) continue;
    quoted += `${text.slice(copied, start)}"${number}"`;
    copied = at + 1;
  }
  return copied === 0 ? body : JSON.parse(quoted + text.slice(copied));
}

function isNumberStart(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d;
}

/** Returns whether a character may stand in a number: a digit, or one of `+-.eE`. */
function isNumberPart(code: number): boolean {
  return isNumberStart(code) || code === 0x2b || code === 0x2e || code === 0x65 || code === 0x45;
}

/** Returns the index of the quote that ends a string. */
function findStringEnd(json: string, from: number): number {
  let at = from;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
