/**
 * Returns what is unusual about the cleartext header of a KMS ciphertext, or `undefined`. AWS does not document the header,
 * so that these rules come from public samples: they serve as a hint in an error that is thrown anyway, never as a check.
 */
export function headerHint(ciphertext: Uint8Array): string | undefined {
  const [first = 0, second = 0, , fourth = 0, fifth = 0] = ciphertext;
  if ((first === 0x01 && second === 0x80) || (first === 0x02 && second >= 0x04)) {
    return 'the ciphertext looks like a message of the AWS Encryption SDK, which Decrypt does not accept';
  }
  if (ciphertext.every((byte) => byte >= 0x20 && byte < 0x7f)) {
    return 'the ciphertext is text; if it is base64, decode it first';
  }
  if (first !== 0x01 || fourth !== 0x00 || fifth !== 0x78) {
    return 'the ciphertext does not begin like one of KMS';
  }
  const headerLength = HEADER_LENGTH[second];
  if (headerLength === undefined || ciphertext.byteLength < headerLength + 4) return undefined;
  const view = new DataView(ciphertext.buffer, ciphertext.byteOffset, ciphertext.byteLength);
  const declared = view.getUint32(headerLength);
  const actual = ciphertext.byteLength - headerLength - 4;
  if (declared === actual) return undefined;
  return `the ciphertext says that ${String(declared)} bytes follow its header, and ${String(actual)} do`;
}

/** The offset of the length of the rest, by variant. */
const HEADER_LENGTH: Readonly<Record<number, number>> = { 1: 37, 2: 54 };
