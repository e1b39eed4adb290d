import {
  KeyDecryptError,
  KeyFormatError,
  nodeCrypto,
  type EncryptionContext,
  type GoldKeyErrorOptions,
} from '../../core/index.js';
import { contextKeys } from '../shared/encryption-context.js';
import { headerHint } from '../shared/ciphertext-header.js';
import { LOCAL } from './master-key.js';

// A ciphertext, all lengths in bytes:
//   0   2  'gk'
//   2   1  format version: 1
//   3  32  key id: tells a wrong master key from a wrong context
//  35  12  nonce, random per encryption
//  47   n  AES-256-GCM ciphertext, 1 to 4,096
//  47+n 16 tag
// With n = 1 that is 64 bytes: more than any API key pasted by mistake, which is therefore told as one.
// The associated data are the first 35 bytes and the canonical EncryptionContext.
const MAGIC = [0x67, 0x6b] as const;
const FORMAT = 1;
const KEY_ID_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = MAGIC.length + 1 + KEY_ID_BYTES;
const BODY_AT = HEADER_BYTES + NONCE_BYTES;

/** Encrypts; the same plaintext never gives the same ciphertext twice. */
export function seal(masterKey: Uint8Array, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
  const { createCipheriv, randomBytes } = nodeCrypto();
  return withDerived(masterKey, ({ encryptionKey, keyId }) => {
    const header = Uint8Array.of(...MAGIC, FORMAT, ...keyId);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associatedData(header, context));
    return Buffer.concat([header, nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  });
}

/** Decrypts into a buffer of its own. */
export function open(
  masterKey: Uint8Array,
  ciphertext: Uint8Array,
  context: EncryptionContext,
  version?: string,
): Uint8Array {
  const about: GoldKeyErrorOptions = { provider: LOCAL, version };
  checkFormat(ciphertext, about);
  const { createDecipheriv, timingSafeEqual } = nodeCrypto();
  return withDerived(masterKey, ({ encryptionKey, keyId }) => {
    if (!timingSafeEqual(keyId, ciphertext.subarray(MAGIC.length + 1, HEADER_BYTES))) {
      throw new KeyDecryptError(
        `The ciphertext was made under another master key (${keyIdOf(ciphertext)}) than that of \`masterKeyFile\` (${name(keyId)}).`,
        about,
      );
    }
    const tagAt = ciphertext.length - TAG_BYTES;
    const nonce = ciphertext.subarray(HEADER_BYTES, BODY_AT);
    const decipher = createDecipheriv('aes-256-gcm', encryptionKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(ciphertext.subarray(0, HEADER_BYTES), context));
    decipher.setAuthTag(ciphertext.subarray(tagAt));
    const unverified = decipher.update(ciphertext.subarray(BODY_AT, tagAt));
    try {
      decipher.final();
      const plaintext = new Uint8Array(unverified.length);
      plaintext.set(unverified);
      return plaintext;
    } catch (cause) {
      throw new KeyDecryptError(
        `The ciphertext does not open: either it is damaged or cut short, or \`encryptionContext\` differs from the one it was encrypted with; keys given: ${contextKeys(context)}.`,
        { ...about, cause },
      );
    } finally {
      unverified.fill(0);
    }
  });
}

/** The name of the master key that a ciphertext was made under. */
export function keyIdOf(ciphertext: Uint8Array): string {
  return name(ciphertext.subarray(MAGIC.length + 1, HEADER_BYTES));
}

/** The name of a master key: nothing can be learnt from it but whether two are the same. */
export function keyIdOfMasterKey(masterKey: Uint8Array): string {
  return withDerived(masterKey, ({ keyId }) => name(keyId));
}

function name(keyId: Uint8Array): string {
  return `local-${Buffer.from(keyId.subarray(0, 8)).toString('hex')}`;
}

function checkFormat(ciphertext: Uint8Array, about: GoldKeyErrorOptions): void {
  if (ciphertext[0] !== MAGIC[0] || ciphertext[1] !== MAGIC[1]) {
    const kms = headerHint(ciphertext) === undefined ? '; it looks like one of AWS KMS, see `fromKms`' : '';
    throw new KeyFormatError(`\`ciphertext\` was not made by goldkey/local${kms}.`, about);
  }
  if (ciphertext[2] !== FORMAT) {
    throw new KeyFormatError(
      `\`ciphertext\` has format ${String(ciphertext[2])}; this version of goldkey reads format ${String(FORMAT)}.`,
      about,
    );
  }
  if (ciphertext.length <= BODY_AT + TAG_BYTES) {
    throw new KeyFormatError(`\`ciphertext\` was cut short: ${String(ciphertext.length)} bytes are left of it.`, about);
  }
}

/** Two keys of one master key: one encrypts, one is only a name and may be seen. */
function withDerived<T>(masterKey: Uint8Array, use: (keys: { encryptionKey: Uint8Array; keyId: Uint8Array }) => T): T {
  const derived = new Uint8Array(nodeCrypto().hkdfSync('sha256', masterKey, '', 'goldkey/local/1', 32 + KEY_ID_BYTES));
  try {
    return use({ encryptionKey: derived.subarray(0, 32), keyId: derived.subarray(32) });
  } finally {
    derived.fill(0);
  }
}

/**
 * Header and context in one unambiguous form: pairs sorted, every string behind its length, so that no two contexts
 * give the same bytes and their order does not matter.
 */
function associatedData(header: Uint8Array, context: EncryptionContext): Uint8Array {
  const pairs = Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const parts: Uint8Array[] = [header, uint32(pairs.length)];
  for (const text of pairs.flat()) {
    const bytes = Buffer.from(text, 'utf8');
    parts.push(uint32(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
