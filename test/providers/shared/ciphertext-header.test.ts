import { describe, expect, it } from 'vitest';
import { headerHint } from '../../../src/providers/shared/ciphertext-header.js';

/** A ciphertext as public samples have them. */
function blob(variant: 1 | 2, rest: number, declared = rest): Uint8Array {
  const header = Buffer.alloc(variant === 1 ? 37 : 54, 9);
  header.set([1, variant, 2, 0, 0x78]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(declared);
  return Buffer.concat([header, length, Buffer.alloc(rest)]);
}

describe('the header of a KMS ciphertext', () => {
  it.each([blob(1, 120), blob(2, 120), Buffer.concat([Buffer.from('0103020078', 'hex'), Buffer.alloc(90)])])(
    'that looks as it should gives no hint',
    (ciphertext) => {
      expect(headerHint(ciphertext)).toBeUndefined();
    },
  );

  it.each([
    ['a truncated one', blob(1, 100, 120), /120 bytes follow its header, and 100 do/],
    ['one with a tail', blob(2, 121, 120), /120 bytes follow its header, and 121 do/],
    ['an Encryption SDK message', Buffer.from('0180', 'hex'), /Encryption SDK/],
    ['a newer Encryption SDK message', Buffer.from('020578', 'hex'), /Encryption SDK/],
    ['base64 that was not decoded', Buffer.from(Buffer.from(blob(2, 120)).toString('base64')), /is text/],
    ['noise', Buffer.alloc(90, 200), /does not begin like/],
  ])('tells %s', (_, ciphertext, says) => {
    expect(headerHint(ciphertext)).toMatch(says);
  });

  it('is not looked for beyond the end', () => {
    for (let length = 0; length < 70; length++) {
      expect(() => headerHint(blob(2, 20).subarray(0, length))).not.toThrow();
      expect(() => headerHint(blob(1, 20).subarray(0, length))).not.toThrow();
    }
  });
});
