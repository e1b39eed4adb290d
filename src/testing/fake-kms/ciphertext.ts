import { nodeCrypto, type EncryptionContext } from '../../core/index.js';
import type { FakeKey } from './keys.js';

/** The first bytes of KMS's own ciphertexts, whose format AWS does not document. */
const PREFIX = Buffer.from('0102020078', 'hex');
const MARKER_BYTES = 32;
const SALT_BYTES = 17;
/** Zeros in place of KMS's ASN.1, so that a ciphertext is as long here as one of KMS. */
const PADDING_BYTES = 55;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = PREFIX.length + MARKER_BYTES + SALT_BYTES + 4 + PADDING_BYTES + IV_BYTES;

/** Encrypts under a key, to base64. The header and the context are the associated data: neither can be changed unnoticed. */
export function encryptBlob(key: FakeKey, plaintext: Uint8Array, context: EncryptionContext): string {
  const { createCipheriv, randomBytes } = nodeCrypto();
  const iv = randomBytes(IV_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(PADDING_BYTES + IV_BYTES + plaintext.length + TAG_BYTES);
  const header = Buffer.concat([PREFIX, key.marker, randomBytes(SALT_BYTES), length, Buffer.alloc(PADDING_BYTES), iv]);
  const cipher = createCipheriv('aes-256-gcm', key.material, iv).setAAD(associatedData(header, context));
  const parts = [header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(parts).toString('base64');
}

/** Returns the marker of the key that a ciphertext names, or `undefined` for bytes that are not a ciphertext. */
export function readMarker(blob: Buffer): Buffer | undefined {
  if (blob.length <= HEADER_BYTES + TAG_BYTES || !blob.subarray(0, PREFIX.length).equals(PREFIX)) return undefined;
  return blob.subarray(PREFIX.length, PREFIX.length + MARKER_BYTES);
}

/** Decrypts what {@link readMarker} accepted. Returns `undefined` for a wrong context and for bytes changed, cut or added. */
export function decryptBlob(key: FakeKey, blob: Buffer, context: EncryptionContext): Buffer | undefined {
  const header = blob.subarray(0, HEADER_BYTES);
  const decipher = nodeCrypto()
    .createDecipheriv('aes-256-gcm', key.material, header.subarray(-IV_BYTES))
    .setAAD(associatedData(header, context))
    .setAuthTag(blob.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(blob.subarray(HEADER_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The header, which has a fixed length, and the pairs of the context, whose order does not count. */
function associatedData(header: Buffer, context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([header, Buffer.from(JSON.stringify(pairs))]);
}
