// base64 between buffers. Buffer's own goes through a string, which cannot be zeroed: here the text is a master key.

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;

/** The base64 text of `bytes`, as bytes. */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const [a = 0, b, c] = bytes.subarray(from, from + 3);
    const group = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text[to] = ALPHABET[group >> 18] ?? 0;
    text[to + 1] = ALPHABET[(group >> 12) & 63] ?? 0;
    if (b !== undefined) text[to + 2] = ALPHABET[(group >> 6) & 63] ?? 0;
    if (c !== undefined) text[to + 3] = ALPHABET[group & 63] ?? 0;
  }
  return text;
}

/** The bytes of a base64 text, `undefined` when it is not canonical base64. What was decoded until then is zeroed. */
export function decodeBase64(text: Uint8Array): Uint8Array | undefined {
  if (text.length === 0 || text.length % 4 !== 0) return undefined;
  const padding = text.at(-1) !== PADDING ? 0 : text.at(-2) !== PADDING ? 1 : 2;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let from = 0, to = 0; from < text.length; from += 4, to += 3) {
    const digits = from + 4 < text.length ? 4 : 4 - padding;
    let group = 0;
    for (let index = 0; index < 4; index++) {
      const digit = index < digits ? ALPHABET.indexOf(text[from + index] ?? 0) : 0;
      if (digit < 0) return void bytes.fill(0);
      group = (group << 6) | digit;
    }
    // Bits beyond the last byte must be zero, so that a key has one text only.
    if ((digits === 3 && (group & 0xff) !== 0) || (digits === 2 && (group & 0xffff) !== 0)) return void bytes.fill(0);
    bytes[to] = group >> 16;
    if (digits > 2) bytes[to + 1] = (group >> 8) & 0xff;
    if (digits > 3) bytes[to + 2] = group & 0xff;
  }
  return bytes;
}
