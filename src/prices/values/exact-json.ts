import { fitsDouble } from './decimal.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The number of digits that every double holds. */
const SAFE_DIGITS = 15;

/** Parses JSON like `JSON.parse`, but leaves a number with more digits than a double holds as a string of them. */
export function parseExactJson(text: string): unknown {
  const body: unknown = JSON.parse(text);
  let quoted = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = findStringEnd(text, at + 1);
    if (!isNumberStart(code)) continue;
    const start = at;
    while (isNumberPart(text.charCodeAt(at + 1))) at++;
    const number = text.slice(start, at + 1);
    // A short number with an exponent can be beyond the largest double.
    const mayBeLong = number.length > SAFE_DIGITS || number.includes('e') || number.includes('E');
    if (!mayBeLong || fitsDouble(number)) continue;
    quoted += `${text.slice(copied, start)}"${number}"`;
    copied = at + 1;
  }
  return quoted === '' ? body : JSON.parse(quoted + text.slice(copied));
}

function isNumberStart(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d;
}

/** Returns whether a number goes on with this character: a digit or one of `+-.eE`. */
function isNumberPart(code: number): boolean {
  return isNumberStart(code) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b;
}

/** Returns the index of the quote that ends a string. */
function findStringEnd(json: string, from: number): number {
  let at = from;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
