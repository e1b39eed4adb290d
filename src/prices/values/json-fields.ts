import { isDecimal } from './decimal.js';
import { Unreadable } from '../adapter/types.js';

// How the parts of a parsed body are read.

/** A moment in seconds is below this until the year 5138; one in milliseconds has been above it since 1973. */
const MILLISECONDS_FROM = 100_000_000_000;

/** A member of a parsed body, or `undefined` where there is none. */
export function member(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

/**
 * A number, also one written as a string; `undefined` where there is none. Throws an {@link Unreadable} for anything else:
 * what only looks like a number is never guessed at.
 */
export function numberIn(body: unknown, name: string): number | undefined {
  const value = member(body, name);
  if (value === undefined || value === null) return undefined;
  const number = numberOf(value);
  if (number === undefined) throw new Unreadable('implausible', `gave a \`${name}\` that is not a plain number`);
  return number;
}

/** The vendor's number for a fault. One too long for it could be the key. */
export function codeIn(body: unknown, name: string): number | undefined {
  const code = numberOf(member(body, name));
  return code !== undefined && Number.isInteger(code) && Math.abs(code) < 100_000 ? code : undefined;
}

/** A moment in epoch ms: seconds, milliseconds or a date, which is UTC unless it says otherwise. */
export function timeIn(body: unknown, name: string): number | undefined {
  const value = member(body, name);
  const number = numberOf(value);
  if (number !== undefined) {
    if (number <= 0) return undefined;
    return Math.round(number < MILLISECONDS_FROM ? number * 1000 : number);
  }
  if (typeof value !== 'string') return undefined;
  const zoned = !value.includes(':') || /(?:Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`;
  const parsed = Date.parse(zoned);
  return Number.isNaN(parsed) ? undefined : parsed;
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && isDecimal(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}
