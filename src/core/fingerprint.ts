import { createHash, createHmac } from 'node:crypto';

/** The first 8 hex digits of HMAC-SHA-256 over the key: equal on every host that holds the same key, and no way back. */
export function fingerprintOf(key: string | Uint8Array): string {
  return createHmac('sha256', 'goldkey/fingerprint/1').update(key).digest('hex').slice(0, 8);
}

/** The version of a key that is known only by its ciphertext. */
export function versionOfCiphertext(ciphertext: Uint8Array): string {
  return `c-${createHash('sha256').update(ciphertext).digest('hex').slice(0, 8)}`;
}
