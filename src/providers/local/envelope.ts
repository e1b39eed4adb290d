import {
  allocateBytes,
  type EncryptionContext,
  type GoldKeyErrorOptions,
  KeyDecryptError,
  KeyFormatError,
  nodeCrypto,
} from '../../core/index.js';
import { contextKeys } from '../shared/encryption-context.js';
import { headerHint } from '../shared/ciphertext-header.js';
import { LOCAL } from './master-key.js';

// A ciphertext, all lengths in bytes:
//   0   2  'gk'
//   2   1  format version: 1
//   3  32  key id, by which a wrong master key differs from a wrong context
//  35  12  nonce, random per encryption
//  47   n  AES-256-GCM ciphertext, 1 to 4,096
//  47+n 16 tag
// At least 64 bytes, which is longer than the API keys that are pasted here by mistake: those are reported as such.
// The associated data is the first 35 bytes and the canonical EncryptionContext.
const MAGIC = [0x67, 0x6b] as const;
const FORMAT = 1;
const KEY_ID_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PART_BYTES = 16;
const HEADER_BYTES = MAGIC.length + 1 + KEY_ID_BYTES;
const BODY_AT = HEADER_BYTES + NONCE_BYTES;

/** Encrypts with a random nonce: the same plaintext never gives the same ciphertext twice. */
export function seal(masterKey: Uint8Array, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
  const { createCipheriv, randomBytes } = nodeCrypto();
  return withDerivedKeys(masterKey, ({ encryptionKey, keyId }) => {
    const header = Uint8Array.of(...MAGIC, FORMAT, ...keyId);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(encodeAssociatedData(header, context));
    return Buffer.concat([header, nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  });
}

/** Decrypts into a new buffer. `version` is the one that errors carry. */
export function open(
  masterKey: Uint8Array,
  ciphertext: Uint8Array,
  context: EncryptionContext,
  version?: string,
): Uint8Array {
  const errorOptions = { provider: LOCAL, version };
  checkFormat(ciphertext, errorOptions);
  const { createDecipheriv, timingSafeEqual } = nodeCrypto();
  return withDerivedKeys(masterKey, ({ encryptionKey, keyId }) => {
    if (!timingSafeEqual(keyId, ciphertext.subarray(MAGIC.length + 1, HEADER_BYTES))) {
      throw new KeyDecryptError(
        `The ciphertext was made under another master key (${readKeyId(ciphertext)}) than that of \`masterKeyFile\` (${formatKeyId(keyId)}).`,
        errorOptions,
      );
    }
    const tagAt = ciphertext.length - TAG_BYTES;
    const nonce = ciphertext.subarray(HEADER_BYTES, BODY_AT);
    const decipher = createDecipheriv('aes-256-gcm', encryptionKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(encodeAssociatedData(ciphertext.subarray(0, HEADER_BYTES), context));
    decipher.setAuthTag(ciphertext.subarray(tagAt));
    const plaintext = allocateBytes(tagAt - BODY_AT);
    try {
      // In parts: Node.js frees a copy of each without zeroing it. What frees 16 bytes writes over them.
      for (let at = 0; at < plaintext.length; at += PART_BYTES) {
        const part = decipher.update(ciphertext.subarray(BODY_AT + at, Math.min(BODY_AT + at + PART_BYTES, tagAt)));
        plaintext.set(part, at);
        part.fill(0);
      }
      decipher.final();
      return plaintext;
    } catch (cause) {
      plaintext.fill(0);
      throw new KeyDecryptError(
        `The ciphertext could not be decrypted: either it is damaged or cut short, or \`encryptionContext\` differs from the one it was encrypted with; keys given: ${contextKeys(context)}.`,
        { ...errorOptions, cause },
      );
    }
  });
}

/** Returns the name of the master key that a ciphertext was made under. */
export function readKeyId(ciphertext: Uint8Array): string {
  return formatKeyId(ciphertext.subarray(MAGIC.length + 1, HEADER_BYTES));
}

/** Returns the name of a master key, which shows only whether two master keys are equal. */
export function deriveKeyId(masterKey: Uint8Array): string {
  return withDerivedKeys(masterKey, ({ keyId }) => formatKeyId(keyId));
}

function formatKeyId(keyId: Uint8Array): string {
  return `local-${Buffer.from(keyId.subarray(0, 8)).toString('hex')}`;
}

function checkFormat(ciphertext: Uint8Array, errorOptions: GoldKeyErrorOptions): void {
  const fail = (problem: string): never => {
    throw new KeyFormatError(`\`ciphertext\` ${problem}.`, errorOptions);
  };
  const { length, 2: format } = ciphertext;
  if (ciphertext[0] !== MAGIC[0] || ciphertext[1] !== MAGIC[1]) {
    const isKms = headerHint(ciphertext) === undefined;
    fail(`was not made by goldkey/local${isKms ? '; it looks like a ciphertext of AWS KMS, see `fromKms`' : ''}`);
  }
  if (format !== FORMAT) {
    fail(`has format ${String(format)}; this version of goldkey reads format ${String(FORMAT)}`);
  }
  if (length <= BODY_AT + TAG_BYTES) fail(`was cut short to ${String(length)} bytes; give it whole`);
}

/** Derives two keys and zeroes them afterwards. `encryptionKey` encrypts; `keyId` is a name and not secret. */
function withDerivedKeys<T>(
  masterKey: Uint8Array,
  use: (keys: { encryptionKey: Uint8Array; keyId: Uint8Array }) => T,
): T {
  const derived = new Uint8Array(nodeCrypto().hkdfSync('sha256', masterKey, '', 'goldkey/local/1', 32 + KEY_ID_BYTES));
  try {
    return use({ encryptionKey: derived.subarray(0, 32), keyId: derived.subarray(32) });
  } finally {
    derived.fill(0);
  }
}

/**
 * Encodes header and context: pairs are sorted and every string follows its length, so that two contexts give the same
 * bytes only if they are equal, in whatever order.
 */
function encodeAssociatedData(header: Uint8Array, context: EncryptionContext): Uint8Array {
  const pairs = Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const strings = pairs.flat().map((text) => Buffer.from(text, 'utf8'));
  return Buffer.concat([
    header,
    encodeUint32(pairs.length),
    ...strings.flatMap((bytes) => [encodeUint32(bytes.length), bytes]),
  ]);
}

function encodeUint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
