import { describe, expect, it } from 'vitest';
import { ciphertextBytes } from '../../../src/providers/shared/ciphertext.js';

const BLOB = Buffer.from(Array.from({ length: 200 }, (_, index) => (index * 151 + 250) % 256));
const JWE = `eyJ${'x'.repeat(90)}..${'n'.repeat(16)}.${'c'.repeat(24)}.${'t'.repeat(22)}`;
const check = (ciphertext: unknown): Uint8Array => ciphertextBytes(ciphertext, 'aws-kms');

describe('the check of a ciphertext', () => {
  it.each([
    ['bytes', BLOB],
    ['base64', BLOB.toString('base64')],
    ['base64 with a newline', `${BLOB.toString('base64')}\n`],
    ['base64 with a carriage return', `${BLOB.toString('base64')}\r\n`],
    ['60 bytes', BLOB.subarray(0, 60)],
    ['6,144 bytes', Buffer.alloc(6_144, 200)],
    ['6,144 bytes in base64', Buffer.alloc(6_144, 200).toString('base64')],
  ])('lets %s pass', (_, ciphertext) => {
    const expected = typeof ciphertext === 'string' ? Buffer.from(ciphertext, 'base64') : ciphertext;
    expect(Buffer.from(check(ciphertext)).equals(expected)).toBe(true);
  });

  it.each([
    ['undefined', undefined, /may be unset/],
    ['null', null, /may be unset/],
  ])('finds nothing in %s', (_, ciphertext, says) => {
    expect(() => check(ciphertext)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_NOT_FOUND' }));
    expect(() => check(ciphertext)).toThrow(says);
  });

  it.each([
    ['a number', 7, /a base64 string or a Uint8Array, got 7/],
    ['an empty string', '', /is empty/],
    ['white space', ' \n', /is empty/],
    ['no bytes', new Uint8Array(), /is empty/],
    ['40 bytes', BLOB.subarray(0, 40), /only 40 bytes.*plaintext key/],
    ['40 bytes in base64', BLOB.subarray(0, 40).toString('base64'), /plaintext key/],
    ['59 bytes', BLOB.subarray(0, 59), /plaintext key/],
    ['6,145 bytes', Buffer.alloc(6_145, 1), /6145 bytes.*6144/],
    ['6,145 bytes in base64', Buffer.alloc(6_145, 1).toString('base64'), /6145 bytes.*6144/],
    ['a huge text', 'A'.repeat(100_000), /100000 characters/],
    ['a key with a dash', 'goldapi-abc123xyz-io', /not base64.*plaintext key/],
    ['a key in hex', 'deadbeef'.repeat(4), /plaintext key/],
    ['URL-safe base64', BLOB.toString('base64url'), /URL-safe base64.*base64url/],
    ['hex', BLOB.toString('hex'), /is hex.*'hex'/],
    ['what the AWS CLI printed', JSON.stringify({ CiphertextBlob: BLOB.toString('base64') }), /CiphertextBlob/],
    ['quotes', `"${BLOB.toString('base64')}"`, /in quotes/],
    ['lines', BLOB.toString('base64').replaceAll(/(.{76})/g, '$1\n'), /on one line/],
    ['base64 without padding', BLOB.toString('base64').replaceAll('=', ''), /without its padding/],
    ['a JWE', JWE, /looks like a JWE of goldkey\/local.*`fromLocal`/],
    ['the bytes of a JWE', Buffer.from(JWE), /looks like a JWE of goldkey\/local.*`fromLocal`/],
    ['text', 'this is no ciphertext at all. '.repeat(9).replaceAll(' ', '.'), /is not base64/],
  ])('refuses %s and says what to do', (_, ciphertext, says) => {
    expect(() => check(ciphertext)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_FORMAT', retryable: false }));
    expect(() => check(ciphertext)).toThrow(says);
  });

  it('never shows what it was given, and leaves no trace of it in the engine', () => {
    const pasted = 'Invented-Api.Key/4711';
    'other'.match(/other/);

    for (const ciphertext of [pasted, Buffer.from(pasted), `${pasted}${'x'.repeat(200)}`, `{${pasted}`]) {
      expect(() => check(ciphertext)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('Invented') }),
      );
      expect(Reflect.get(RegExp, '$_')).not.toContain('Invented');
    }
  });
});
