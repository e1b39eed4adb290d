import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../../src/core/index.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');

describe('a `Retry-After` header', () => {
  it.each<[unknown, number | undefined]>([
    ['7', 7_000],
    [7, 7_000],
    [0, 0],
    ['0.0001', 1],
    ['-3', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:59 GMT', 0],
    ['', undefined],
    ['soon', undefined],
    ['Infinity', undefined],
    [Number.NaN, undefined],
    [undefined, undefined],
    [null, undefined],
    [true, undefined],
    [['7'], undefined],
    [{ valueOf: () => 7 }, undefined],
  ])('of %j asks for a pause of %s ms', (value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected);
  });
});
