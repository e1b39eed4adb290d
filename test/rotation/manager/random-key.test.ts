import { describe, expect, it } from 'vitest';
import { randomKey } from '../../../src/rotation/index.js';

describe('a random key', () => {
  it('is base64url of 32 bytes unless told otherwise, and never twice the same', () => {
    const keys = Array.from({ length: 100 }, () => randomKey());

    expect(new Set(keys).size).toBe(100);
    for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/);
    expect(Buffer.from(randomKey(16), 'base64url')).toHaveLength(16);
  });

  it.each([15, 1_025, 1.5, NaN, '32'])('of %j bytes is refused', (bytes) => {
    expect(() => randomKey(bytes as number)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});
