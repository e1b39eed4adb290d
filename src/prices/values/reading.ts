import type { PriceApiErrorKind } from '../price-api-error.js';
import type { Quote } from '../types.js';
import { isDecimal } from './decimal.js';

/** A price as a response body gives it, per troy ounce and in the currency asked for. */
export interface Reading extends Readonly<Pick<Quote, 'price' | 'bid' | 'ask' | 'direction'>> {
  /** The price in USD, if the body has it: the default limits are checked on it. */
  readonly usd?: number | undefined;
  /** Epoch ms. */
  readonly timestamp?: number | undefined;
  /** Whether the body leaves the direction open: then only `bounds` given by the user make the price safe. */
  readonly needsBounds?: boolean | undefined;
}

/** The error of a body without a usable price. Its message continues a sentence that begins with the API's name. */
export class UnusableBody extends Error {
  readonly kind: PriceApiErrorKind;

  constructor(kind: PriceApiErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The smallest moment in milliseconds, from 1973; as one in seconds it is the year 5138. */
const FIRST_MILLISECONDS = 100_000_000_000;

/** Returns a field of a parsed body, or `undefined` if there is none. */
export function readField(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

/** Returns a field that must be an object; throws an {@link UnusableBody} otherwise. */
export function requireObject(body: unknown, name: string): object {
  const value = readField(body, name);
  if (typeof value === 'object' && value !== null) return value;
  throw new UnusableBody('transient', `answered without \`${name}\``);
}

/**
 * Returns a number, also one written as a string, or `undefined` if the field is absent or null. Throws an
 * {@link UnusableBody} for anything else: text that only looks like a number is not guessed at.
 */
export function readNumber(body: unknown, name: string): number | undefined {
  const value = readField(body, name);
  if (value === undefined || value === null) return undefined;
  const number = toNumber(value);
  if (number === undefined) throw new UnusableBody('implausible', `gave a \`${name}\` that is not a plain number`);
  return number;
}

/** Returns a number like {@link readNumber}, or that of `other`; throws an {@link UnusableBody} if there is none. */
export function requireNumber(body: unknown, name: string, other: string = name): number {
  const number = readNumber(body, name) ?? readNumber(body, other);
  if (number === undefined) throw new UnusableBody('transient', `answered without \`${name}\``);
  return number;
}

/** Throws an {@link UnusableBody} if a field that repeats a part of the request has another value. */
export function checkEcho(body: unknown, name: string, expected: string): void {
  if ((readField(body, name) ?? expected) === expected) return;
  throw new UnusableBody('implausible', `answered with another \`${name}\` than was asked for`);
}

/** Returns the vendor's error code. A longer number is ignored, because it could be the key. */
export function readErrorCode(body: unknown, name: string): number | undefined {
  const code = toNumber(readField(body, name));
  return code !== undefined && Number.isInteger(code) && Math.abs(code) < 100_000 ? code : undefined;
}

/** Returns a moment in epoch ms, from seconds, milliseconds or a date; a date without a time zone is in UTC. */
export function readTime(body: unknown, name: string): number | undefined {
  const value = readField(body, name);
  const number = toNumber(value);
  if (number !== undefined) {
    if (number <= 0) return undefined;
    return Math.round(number < FIRST_MILLISECONDS ? number * 1000 : number);
  }
  if (typeof value !== 'string') return undefined;
  const zoned = !value.includes(':') || /(?:Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`;
  const parsed = Date.parse(zoned);
  return Number.isNaN(parsed) ? undefined : parsed;
}

function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && isDecimal(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}
