import { nodeCrypto } from '../util/node-builtins.js';

/** Returns 8 hex digits of an HMAC-SHA-256 of the key: equal on every host with the same key, and not reversible. */
export function computeFingerprint(key: string | Uint8Array): string {
  return nodeCrypto().createHmac('sha256', 'goldkey/fingerprint/1').update(key).digest('hex').slice(0, 8);
}

/** Returns the version of a key that has none but its ciphertext. */
export function deriveCiphertextVersion(ciphertext: Uint8Array): string {
  return `c-${nodeCrypto().createHash('sha256').update(ciphertext).digest('hex').slice(0, 8)}`;
}

let digestKey: Uint8Array | undefined;

/** Returns a digest that is equal for equal keys in this process, so that keys can be compared after they are zeroed. */
export function computeDigest(key: Uint8Array): string {
  digestKey ??= nodeCrypto().randomBytes(32);
  // 96 bits tell more keys apart than there are; each client keeps the text.
  return nodeCrypto().createHmac('sha256', digestKey).update(key).digest().toString('base64', 0, 12);
}
