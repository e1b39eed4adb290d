import { allocateBytes } from '../core/index.js';

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;

/** Returns the base64 text of `bytes` as bytes, for master keys: a string could not be zeroed. */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const text = allocateBytes(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  let [buffer, bits, end] = [0, 0, 0];
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    for (bits += 8; bits >= 6;) {
      bits -= 6;
      text[end++] = ALPHABET[(buffer >> bits) & 63] ?? 0;
    }
  }
  if (bits > 0) text[end] = ALPHABET[(buffer << (6 - bits)) & 63] ?? 0;
  return text;
}

/**
 * Returns the bytes of a base64 text, or `undefined` if it is empty or not canonical base64. Of a text given as bytes, for
 * master keys, no copy stays behind.
 */
export function decodeBase64(text: string | Uint8Array): Uint8Array | undefined {
  if (typeof text === 'string') {
    // Buffer skips characters that it does not know: only canonical base64 comes back as the same text.
    const decoded = Buffer.from(text, 'base64');
    return text !== '' && decoded.toString('base64') === text ? decoded : undefined;
  }
  if (text.length === 0 || text.length % 4 !== 0) return undefined;
  const padding = text.at(-1) !== PADDING ? 0 : text.at(-2) !== PADDING ? 1 : 2;
  const bytes = allocateBytes((text.length / 4) * 3 - padding);
  let [buffer, bits, end] = [0, 0, 0];
  for (const char of text.subarray(0, text.length - padding)) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return void bytes.fill(0);
    buffer = ((buffer << 6) | digit) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[end++] = buffer >> bits;
  }
  // Bits beyond the last byte must be zero: each key has one text only.
  return (buffer & ((1 << bits) - 1)) === 0 ? bytes : void bytes.fill(0);
}
