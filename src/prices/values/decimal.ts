// A vendor's numbers, read by hand: a text that may echo the key is never the subject of a regular expression.

const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;

/** A decimal number: `digits` times ten to the power of `exponent`, without sign; no digits are zero. */
export interface Decimal {
  readonly negative: boolean;
  /** Neither begins nor ends with a zero. */
  readonly digits: string;
  readonly exponent: number;
}

/** Where the number that begins at `from` ends, by JSON's grammar; `from` itself when none does. */
export function endOfNumber(text: string, from: number): number {
  let at = text.charCodeAt(from) === MINUS ? from + 1 : from;
  const whole = endOfDigits(text, at);
  if (whole === at || (text.charCodeAt(at) === ZERO && whole > at + 1)) return from;
  at = whole;
  if (text.charCodeAt(at) === DOT) {
    const fraction = endOfDigits(text, at + 1);
    if (fraction === at + 1) return from;
    at = fraction;
  }
  if (text[at] !== 'e' && text[at] !== 'E') return at;
  const power = text[at + 1] === '+' || text[at + 1] === '-' ? at + 2 : at + 1;
  const end = endOfDigits(text, power);
  return end === power ? from : end;
}

function endOfDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

/** Whether a number may begin with this character. */
export function beginsNumber(code: number): boolean {
  return code === MINUS || isDigit(code);
}

function isDigit(code: number): boolean {
  return code >= ZERO && code < ZERO + 10;
}

/** Whether the whole of `text` is a number as JSON writes one: no blanks, signs of thousands, hex or `Infinity`. */
export function isDecimal(text: string): boolean {
  return text !== '' && endOfNumber(text, 0) === text.length;
}

/** The digits of a number as JSON writes one. */
export function decimalOf(number: string): Decimal {
  const lower = number.toLowerCase();
  const [mantissa = '', power = '0'] = lower.split('e');
  const negative = mantissa.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? mantissa.slice(1) : mantissa).split('.');
  const all = whole + fraction;
  let start = 0;
  while (all.charCodeAt(start) === ZERO) start++;
  let end = all.length;
  while (end > start && all.charCodeAt(end - 1) === ZERO) end--;
  const digits = all.slice(start, end);
  return { negative, digits, exponent: digits === '' ? 0 : Number(power) - fraction.length + all.length - end };
}

/** Whether a double holds every digit of a number as JSON writes one: whether it would be written the same again. */
export function isHeld(number: string): boolean {
  const value = Number(number);
  if (!Number.isFinite(value)) return false;
  // As nearly every vendor's own JSON library wrote it.
  const text = String(value);
  if (text === number) return true;
  const sent = decimalOf(number);
  const held = decimalOf(text);
  return sent.digits === held.digits && sent.exponent === held.exponent;
}
