import { describe, expect, it } from 'vitest';
import { randomKey } from '../../../src/rotation/index.js';

describe('a random key', () => {
  it('is base64url of 32 bytes unless told otherwise, and never twice the same', () => {
    const keys = Array.from({ length: 100 }, () => randomKey());

    expect(new Set(keys).size).toBe(100);
    for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/);
  });

  it.each([16, 1_024])('may be of %d bytes', (bytes) => {
    expect(Buffer.from(randomKey(bytes), 'base64url')).toHaveLength(bytes);
  });

  it.each([15, 1_025, 1.5, NaN])('of %d bytes is refused', (bytes) => {
    expect(() => randomKey(bytes)).toThrow(`\`bytes\` must be an integer from 16 to 1024, got ${String(bytes)}.`);
  });

  it.each(['32', null])('of %j is refused', (bytes) => {
    expect(() => randomKey(bytes as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});
