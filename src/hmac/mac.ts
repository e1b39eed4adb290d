import { nodeCrypto, type LiveKey } from '../core/index.js';
import { SignatureError } from './signature-error.js';

/** The algorithm's name in RFC 9421. */
export const ALGORITHM = 'hmac-sha256';

/** Length of an HMAC-SHA-256, in bytes. */
const MAC_BYTES = 32;

/** Random bytes of a nonce. */
const NONCE_BYTES = 18;

/** Returns a random text that makes a message unique. */
export function createNonce(): string {
  return nodeCrypto().randomBytes(NONCE_BYTES).toString('base64url');
}

/** Creates the error for a message that no live key has signed. */
export function createMismatch(what: 'request' | 'webhook'): SignatureError {
  const message = `No live key has made the signature: the ${what} was changed, or it was made with another key.`;
  return new SignatureError('mismatch', message);
}

/** Returns the HMAC-SHA-256 of a message. */
export function computeMac(key: Uint8Array, message: Uint8Array | string): Buffer {
  return nodeCrypto().createHmac('sha256', key).update(message).digest();
}

/** Returns the key that made a signature, compared in constant time; `undefined` if none of them did. */
export function findSigner(
  keys: readonly LiveKey[],
  message: Uint8Array | string,
  mac: Uint8Array,
): LiveKey | undefined {
  if (mac.length !== MAC_BYTES) return undefined;
  return keys.find(({ bytes }) => {
    const own = computeMac(bytes, message);
    const isGenuine = nodeCrypto().timingSafeEqual(own, mac);
    // It is the right signature, which nobody should find in memory who had a wrong one.
    own.fill(0);
    return isGenuine;
  });
}
