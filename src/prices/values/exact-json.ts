import { beginsNumber, endOfNumber, isHeld } from './decimal.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** As many digits as every double holds. */
const SAFE_LENGTH = 15;

/** `JSON.parse`, but a number with more digits than a double holds stays as it was written, as a string. */
export function parseExactly(text: string): unknown {
  const body: unknown = JSON.parse(text);
  const long = longNumbers(text);
  if (long.length === 0) return body;
  let quoted = '';
  let at = 0;
  for (const [from, to] of long) {
    quoted += `${text.slice(at, from)}"${text.slice(from, to)}"`;
    at = to;
  }
  return JSON.parse(quoted + text.slice(at));
}

/** Where the numbers stand, in a text that is JSON, that a double would round. */
function longNumbers(json: string): [from: number, to: number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(json, at + 1);
    } else if (beginsNumber(code)) {
      const end = endOfNumber(json, at);
      if (mayBeLong(json, at, end) && !isHeld(json.slice(at, end))) found.push([at, end]);
      at = end - 1;
    }
  }
  return found;
}

/** A short number with an exponent can be beyond the largest double. */
function mayBeLong(json: string, from: number, to: number): boolean {
  if (to - from > SAFE_LENGTH) return true;
  for (let at = from; at < to; at++) if (json[at] === 'e' || json[at] === 'E') return true;
  return false;
}

/** Where the quote stands that ends the string. */
function endOfString(json: string, from: number): number {
  let at = from;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
