import type { EncryptionContext } from '../../core/index.js';
import { nodeCrypto } from '../../core/index.js';

/** The part of a key that seals. */
export interface SealingKey {
  /** 32 bytes, secret. */
  readonly material: Uint8Array;
  /** 32 bytes that stand in every ciphertext under this key. */
  readonly marker: Buffer;
}

// As in KMS's own ciphertexts, which AWS does not document: a header that names the key, the length of the rest, and
// a CMS EncryptedData with the IV and the AES-256-GCM ciphertext.
const PREFIX = Buffer.from('0102020078', 'hex');
const MARKER_BYTES = 32;
const HEADER_BYTES = PREFIX.length + MARKER_BYTES + 17;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const OID_ENCRYPTED_DATA = Buffer.from('2a864886f70d010706', 'hex');
const OID_DATA = Buffer.from('2a864886f70d010701', 'hex');
const OID_AES_256_GCM = Buffer.from('60864801650304012e', 'hex');
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const OID = 0x06;

/** Encrypts under a key, bound to the context and to the header. */
export function seal(key: SealingKey, plaintext: Uint8Array, context: EncryptionContext): Buffer {
  const header = Buffer.concat([PREFIX, key.marker, Buffer.from([1]), nodeCrypto().randomBytes(16)]);
  const iv = nodeCrypto().randomBytes(IV_BYTES);
  const cipher = nodeCrypto().createCipheriv('aes-256-gcm', key.material, iv).setAAD(associatedData(header, context));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return assemble(header, iv, sealed);
}

/** The marker of the key a ciphertext says it is under; `undefined` when it has not the shape of one. */
export function markerOf(blob: Buffer): Buffer | undefined {
  if (blob.length <= HEADER_BYTES || !blob.subarray(0, PREFIX.length).equals(PREFIX)) return undefined;
  return blob.subarray(PREFIX.length, PREFIX.length + MARKER_BYTES);
}

/** Decrypts; `undefined` for a wrong context and for anything damaged, cut or added. */
export function open(key: SealingKey, blob: Buffer, context: EncryptionContext): Buffer | undefined {
  const header = blob.subarray(0, HEADER_BYTES);
  const parts = disassemble(blob.subarray(HEADER_BYTES + 4));
  // Assembled again, so that no bit of the wrapping can be changed unnoticed.
  if (parts === undefined || !assemble(header, parts.iv, parts.sealed).equals(blob)) return undefined;
  const end = parts.sealed.length - TAG_BYTES;
  const decipher = nodeCrypto()
    .createDecipheriv('aes-256-gcm', key.material, parts.iv)
    .setAAD(associatedData(header, context))
    .setAuthTag(parts.sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(parts.sealed.subarray(0, end)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function assemble(header: Buffer, iv: Buffer, sealed: Buffer): Buffer {
  const parameters = der(SEQUENCE, der(OCTETS, iv), der(INTEGER, Buffer.from([TAG_BYTES])));
  const algorithm = der(SEQUENCE, der(OID, OID_AES_256_GCM), parameters);
  const content = der(SEQUENCE, der(OID, OID_DATA), algorithm, der(0x80, sealed));
  const encryptedData = der(SEQUENCE, der(INTEGER, Buffer.from([0])), content);
  const rest = der(SEQUENCE, der(OID, OID_ENCRYPTED_DATA), der(0xa0, encryptedData));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(rest.length);
  return Buffer.concat([header, length, rest]);
}

/** Walks to the content, whose first element is an OID, then the algorithm, then the ciphertext. */
function disassemble(rest: Buffer): { iv: Buffer; sealed: Buffer } | undefined {
  const encryptedData = children(children(children(rest)[0])[1])[0];
  const [, algorithm, sealed] = children(children(encryptedData)[1]);
  const iv = children(children(algorithm)[1])[0];
  if (iv?.length !== IV_BYTES || sealed === undefined || sealed.length <= TAG_BYTES) return undefined;
  return { iv, sealed };
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/** The contents of the DER elements that follow one another in `data`; what does not parse ends the list. */
function children(data: Buffer | undefined): Buffer[] {
  const found: Buffer[] = [];
  let rest = data ?? Buffer.alloc(0);
  while (rest.length >= 2) {
    const first = rest[1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (lengthBytes > 2 || rest.length < 2 + lengthBytes) break;
    const size = lengthBytes === 0 ? first : rest.readUIntBE(2, lengthBytes);
    const start = 2 + lengthBytes;
    if (rest.length < start + size) break;
    found.push(rest.subarray(start, start + size));
    rest = rest.subarray(start + size);
  }
  return found;
}

/** Letter for letter, in any order: sorted pairs, each part with its length. */
function associatedData(header: Buffer, context: EncryptionContext): Buffer {
  const parts = [header];
  for (const [name, value] of Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const text of [name, value]) {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      parts.push(length, bytes);
    }
  }
  return Buffer.concat(parts);
}
