import { foldCase } from './window-hash.js';
import type { WorkMeter } from './work-meter.js';

/** Largest number of times that a character may be escaped: each level of JSON in JSON doubles the backslashes. */
const MAX_LEVELS = 16;
/** Largest number of readings of one text that are followed: a key may hold characters that look like an escape. */
const MAX_READINGS = 32;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;
const SMALL_X = 0x78;

/**
 * Adds the ranges in which `secret` stands with some of its characters percent-encoded or escaped with backslashes.
 * Returns false when the time is over.
 */
export function matchEscaped(
  text: string,
  secret: string,
  ranges: Array<[from: number, to: number]>,
  meter: WorkMeter,
): boolean {
  if (!text.includes('%') && !text.includes('\\')) return true;
  const first = secret.charAt(0);
  for (const lead of new Set([first.toLowerCase(), first.toUpperCase(), '%', '\\'])) {
    for (let at = text.indexOf(lead); at >= 0; at = text.indexOf(lead, at + 1)) {
      if (lead === '\\' && first !== lead) at = skipBackslashes(text, at);
      const end = findEnd(text, at, secret, meter);
      if (end === undefined) return false;
      if (end >= 0) ranges.push([at, end]);
    }
  }
  return true;
}

/** Returns the position from which no more backslashes follow than an escape may have. */
function skipBackslashes(text: string, at: number): number {
  let end = at;
  while (text.charCodeAt(end) === BACKSLASH) end++;
  return Math.max(at, end - MAX_LEVELS);
}

/** Returns the furthest end of `secret` at `at`, each character raw or escaped, or -1; `undefined` when the time is over. */
function findEnd(text: string, at: number, secret: string, meter: WorkMeter): number | undefined {
  let ends = [at];
  for (let index = 0; ends.length > 0; index++) {
    if (!meter.spend(4 * ends.length)) return undefined;
    if (index === secret.length) return Math.max(...ends);
    const wanted = foldCase(secret.charCodeAt(index));
    const next: number[] = [];
    for (const end of ends) addEnds(text, end, wanted, next);
    ends = next;
  }
  return -1;
}

/** Adds every end of one character at `at`, raw or escaped. */
function addEnds(text: string, at: number, wanted: number, ends: number[]): void {
  const seen = text.charCodeAt(at);
  if (foldCase(seen) === wanted) addEnd(ends, at + 1);
  if (seen === PERCENT) {
    // A percent sign may itself be encoded, several times over.
    let digits = at + 1;
    for (let level = 0; level < MAX_LEVELS; level++, digits += 2) {
      const value = parseHex(text, digits, 2);
      if (foldCase(value) === wanted) addEnd(ends, digits + 2);
      if (value !== PERCENT) break;
    }
  } else if (seen === BACKSLASH) {
    let after = at;
    while (text.charCodeAt(after) === BACKSLASH && after - at < MAX_LEVELS) {
      after++;
      if (wanted === BACKSLASH) addEnd(ends, after);
    }
    const escaped = text.charCodeAt(after);
    const digits = escaped === SMALL_U ? 4 : escaped === SMALL_X ? 2 : 0;
    if (foldCase(escaped) === wanted) addEnd(ends, after + 1);
    if (digits > 0 && foldCase(parseHex(text, after + 1, digits)) === wanted) addEnd(ends, after + 1 + digits);
  }
}

function addEnd(ends: number[], end: number): void {
  if (ends.length < MAX_READINGS && !ends.includes(end)) ends.push(end);
}

function parseHex(text: string, at: number, digits: number): number {
  let value = 0;
  for (let index = at; index < at + digits; index++) {
    const code = foldCase(text.charCodeAt(index));
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : NaN;
    value = value * 16 + digit;
  }
  return value;
}
