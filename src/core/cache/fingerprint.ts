import { nodeCrypto } from '../util/node-builtins.js';

/** The first 8 hex digits of HMAC-SHA-256 over the key: equal on every host that holds the same key, and no way back. */
export function computeFingerprint(key: string | Uint8Array): string {
  return nodeCrypto().createHmac('sha256', 'goldkey/fingerprint/1').update(key).digest('hex').slice(0, 8);
}

/** The version of a key that is known only by its ciphertext. */
export function deriveCiphertextVersion(ciphertext: Uint8Array): string {
  return `c-${nodeCrypto().createHash('sha256').update(ciphertext).digest('hex').slice(0, 8)}`;
}

let digestKey: Uint8Array | undefined;

/** Tells keys apart inside this process, without keeping them: two digests are equal when the bytes are. */
export function computeDigest(key: Uint8Array): string {
  digestKey ??= nodeCrypto().randomBytes(32);
  return nodeCrypto().createHmac('sha256', digestKey).update(key).digest().toString('base64', 0, 16);
}
