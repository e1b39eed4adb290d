import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from '../../src/util/base64.js';

describe('base64 between buffers', () => {
  it('writes what Buffer writes, and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(Buffer.from(text).toString('latin1')).toBe(Buffer.from(bytes).toString('base64'));
        expect(decodeBase64(text)).toEqual(bytes);
      }),
    );
  });

  it('reads nothing that Buffer would not have written', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ABz09+/=-_ \n'), minLength: 1, maxLength: 12 }), (text) => {
        const bytes = Buffer.from(text, 'base64');
        const canonical = bytes.length > 0 && bytes.toString('base64') === text;
        const decoded = decodeBase64(Buffer.from(text));
        if (canonical) expect(Buffer.from(decoded ?? []).equals(bytes)).toBe(true);
        else expect(decoded).toBeUndefined();
        expect(decodeBase64(text)).toEqual(canonical ? bytes : undefined);
      }),
      { numRuns: 2_000 },
    );
  });
});
