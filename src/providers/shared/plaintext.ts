import { invalidType, KeyFormatError, describeType } from '../../core/index.js';
import { MAX_PLAINTEXT_BYTES } from './ciphertext.js';

/** Runs `encrypt` on the bytes of a key. Bytes made of a string are zeroed afterwards; given bytes are left alone. */
export async function withPlaintext<T>(
  key: string | Uint8Array,
  provider: string,
  encrypt: (plaintext: Uint8Array) => T | Promise<T>,
): Promise<T> {
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) {
    throw invalidType(`\`key\` must be a string or a Uint8Array, got ${describeType(key)}.`);
  }
  // Not Buffer.from, whose small buffers share memory in Node's pool.
  const plaintext = typeof key === 'string' ? new TextEncoder().encode(key) : key;
  try {
    if (plaintext.length === 0 || plaintext.length > MAX_PLAINTEXT_BYTES) {
      throw new KeyFormatError(
        `The key to encrypt has ${String(plaintext.length)} bytes; it must have 1 to ${String(MAX_PLAINTEXT_BYTES)}.`,
        { provider },
      );
    }
    return await encrypt(plaintext);
  } finally {
    if (plaintext !== key) plaintext.fill(0);
  }
}
