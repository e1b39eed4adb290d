import { tryOrUndefined } from '../../core/index.js';

// No regular expressions in here: a text may echo the key, and the engine keeps the last subject of one.

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
  const [mantissa = '', power = '0'] = unsigned.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  let start = 0;
  while (all[start] === '0') start++;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end--;
  const digits = all.slice(start, end);
  return { digits, exponent: digits === '' ? 0 : Number(power) - fraction.length + all.length - end };
}

/** Returns whether a double holds every digit of a number as JSON writes it. */
export function fitsDouble(number: string): boolean {
  const value = Number(number);
  if (!Number.isFinite(value)) return false;
  const text = String(value);
  // Most JSON libraries write a double the same way as String().
  if (text === number) return true;
  const sent = parseDecimal(number);
  const held = parseDecimal(text);
  return sent.digits === held.digits && sent.exponent === held.exponent;
}
