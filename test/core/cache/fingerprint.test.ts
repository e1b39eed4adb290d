import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { computeDigest, computeFingerprint, deriveCiphertextVersion } from '../../../src/core/cache/fingerprint.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a fingerprint', () => {
  it('is 8 hex digits of an HMAC under the name of the product, the same on every host', () => {
    const hmac = createHmac('sha256', 'goldkey/fingerprint/1').update('first-key-000001').digest('hex');
    expect(computeFingerprint('first-key-000001')).toBe(hmac.slice(0, 8));
    expect(computeFingerprint('first-key-000001')).toBe('935a2725');
  });

  it('of a text and of its bytes is one', () => {
    expect(computeFingerprint(bytes('first-key-000001'))).toBe(computeFingerprint('first-key-000001'));
  });

  it('tells keys apart', () => {
    expect(computeFingerprint('first-key-000001')).not.toBe(computeFingerprint('first-key-000002'));
  });
});

describe('the version of a ciphertext', () => {
  it('is c- and 8 hex digits of its SHA-256', () => {
    const hash = createHash('sha256').update('a ciphertext').digest('hex');
    expect(deriveCiphertextVersion(bytes('a ciphertext'))).toBe(`c-${hash.slice(0, 8)}`);
  });
});

describe('a digest', () => {
  it('is one for equal bytes, and another for others', () => {
    expect(computeDigest(bytes('first-key-000001'))).toBe(computeDigest(bytes('first-key-000001')));
    expect(computeDigest(bytes('first-key-000001'))).not.toBe(computeDigest(bytes('first-key-000002')));
  });

  it('is 96 bits, in base64', () => {
    expect(computeDigest(bytes('first-key-000001'))).toMatch(/^[A-Za-z0-9+/]{16}$/);
  });

  it('is no plain hash of the key, which could be guessed', () => {
    const key = bytes('first-key-000001');
    const guesses = [
      createHash('sha256').update(key).digest(),
      createHmac('sha256', '').update(key).digest(),
      createHmac('sha256', 'goldkey/fingerprint/1').update(key).digest(),
    ].map((guess) => guess.toString('base64', 0, 12));
    expect(guesses).not.toContain(computeDigest(key));
  });
});
