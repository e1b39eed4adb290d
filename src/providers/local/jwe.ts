import {
  allocateBytes,
  type EncryptionContext,
  type GoldKeyErrorOptions,
  KeyDecryptError,
  KeyFormatError,
  nodeCrypto,
} from '../../core/index.js';
import { checkCiphertext, createFormatError, MIN_CIPHERTEXT_BYTES, PLAINTEXT } from '../shared/ciphertext.js';
import { contextKeys } from '../shared/encryption-context.js';
import { LOCAL } from './master-key.js';

// A ciphertext is a JWE in compact serialization (RFC 7516) with `dir` and `A256GCM`: the master key encrypts the content.
// `kid` names the master key, `ctx` is base64url(SHA-256(canonical JSON of the EncryptionContext)).
const ALGORITHM = 'dir';
const ENCRYPTION = 'A256GCM';
const MEMBERS = ['alg', 'enc', 'kid', 'ctx'] as const;
const PARTS = 5;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HASH_BYTES = 32;
const PART_BYTES = 16;
const MAX_PLAINTEXT_BYTES = 4_096;
const MAX_CHARACTERS = 6_144;
const KID_PREFIX = 'local-';
const KID_DIGITS = 16;

/** What is inside a JWE whose form was checked. */
interface Jwe {
  readonly header: string;
  readonly kid: string;
  readonly contextHash: Uint8Array;
  readonly nonce: Uint8Array;
  readonly content: Uint8Array;
  readonly tag: Uint8Array;
}

/** Encrypts with a random nonce: the same plaintext never gives the same JWE twice. */
export function seal(masterKey: Uint8Array, plaintext: Uint8Array, context: EncryptionContext): string {
  const { createCipheriv, randomBytes } = nodeCrypto();
  const members = {
    alg: ALGORITHM,
    enc: ENCRYPTION,
    kid: deriveKeyId(masterKey),
    ctx: encode(hashContext(context)),
  };
  const header = encode(Buffer.from(JSON.stringify(members)));
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(header, 'latin1'));
  const content = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [header, '', encode(nonce), encode(content), encode(cipher.getAuthTag())].join('.');
}

/** Decrypts into a new buffer. `version` is the one that errors carry. */
export function open(masterKey: Uint8Array, text: string, context: EncryptionContext, version?: string): Uint8Array {
  const errorOptions = { provider: LOCAL, version };
  const { createDecipheriv, timingSafeEqual } = nodeCrypto();
  const { header, kid, contextHash, nonce, content, tag } = parseJwe(text, errorOptions);
  const ownKid = deriveKeyId(masterKey);
  if (kid !== ownKid) {
    throw new KeyDecryptError(
      `The ciphertext was made under another master key (${kid}) than that of \`masterKeyFile\` (${ownKid}).`,
      errorOptions,
    );
  }
  if (!timingSafeEqual(contextHash, hashContext(context))) {
    throw new KeyDecryptError(
      `The ciphertext could not be decrypted: \`encryptionContext\` differs from the one it was encrypted with; keys given: ${contextKeys(context)}.`,
      errorOptions,
    );
  }
  const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(header, 'latin1'));
  decipher.setAuthTag(tag);
  const plaintext = allocateBytes(content.length);
  try {
    // In parts: Node.js frees a copy of each without zeroing it. What frees 16 bytes writes over them.
    for (let at = 0; at < plaintext.length; at += PART_BYTES) {
      const part = decipher.update(content.subarray(at, at + PART_BYTES));
      plaintext.set(part, at);
      part.fill(0);
    }
    decipher.final();
    return plaintext;
  } catch (cause) {
    plaintext.fill(0);
    throw new KeyDecryptError('The ciphertext could not be decrypted: it is damaged; give it as it was printed.', {
      ...errorOptions,
      cause,
    });
  }
}

/** Returns the name of a master key, which shows only whether two master keys are equal. */
export function deriveKeyId(masterKey: Uint8Array): string {
  const digest = nodeCrypto().createHmac('sha256', 'goldkey/fingerprint/1').update(masterKey).digest('hex');
  return KID_PREFIX + digest.slice(0, KID_DIGITS);
}

/**
 * Returns the JWE in `ciphertext`, a string or its ASCII bytes, after the checks that tell other things from a JWE. The
 * value may be the key itself, pasted by mistake: no message shows it, and no regular expression runs on it.
 */
export function jweText(ciphertext: unknown, provider: string): string {
  const given = checkCiphertext(ciphertext, 'a JWE string or a Uint8Array', provider);
  const text = typeof given === 'string' ? given : Buffer.from(given).toString('latin1').trim();
  const { length } = text;
  const unit = typeof given === 'string' ? 'characters' : 'bytes';
  const fail = (problem: string): never => {
    throw createFormatError(problem, provider);
  };
  if (length > MAX_CHARACTERS) {
    fail(`has ${String(length)} ${unit}; a ciphertext of goldkey/local has at most ${String(MAX_CHARACTERS)}`);
  }
  if (length < MIN_CIPHERTEXT_BYTES * (4 / 3)) fail(`has only ${String(length)} ${unit}; ${PLAINTEXT}`);
  // Every JSON object in base64url begins so; a ciphertext of KMS or of Vault's transit engine does not.
  if (!text.startsWith('e') || !text.includes('.')) {
    fail('is no JWE, so goldkey/local did not make it; if AWS KMS did, see `fromKms`');
  }
  return text;
}

/** Reads a JWE strictly: what is not exactly of the form that `seal` makes is an error, which never shows the value. */
function parseJwe(text: string, errorOptions: GoldKeyErrorOptions): Jwe {
  const fail = (problem: string): never => {
    throw new KeyFormatError(`\`ciphertext\` ${problem}.`, errorOptions);
  };
  const parts = text.split('.');
  if (parts.length !== PARTS) {
    fail(`has ${String(parts.length)} parts between dots, and a JWE has ${String(PARTS)}; give it whole`);
  }
  const [header = '', encryptedKey = '', ...rest] = parts;
  if (encryptedKey !== '') fail('has an encrypted key, which a JWE with `dir` has not');
  const [headerBytes, nonce, content, tag] = [header, ...rest].map(
    (part) => decode(part) ?? fail('is not base64url without padding in one of its parts; it may be damaged'),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const { alg, enc, kid, ctx } =
    readHeader(headerBytes) ?? fail(`must have a header of exactly ${MEMBERS.join(', ')}, each once and a string`);
  if (alg !== ALGORITHM) fail(`must have \`alg\` ${ALGORITHM} in its header`);
  if (enc !== ENCRYPTION) fail(`must have \`enc\` ${ENCRYPTION} in its header`);
  if (!isKeyId(kid)) fail('has a `kid` in its header that names no master key of goldkey/local');
  const contextHash = decode(ctx);
  if (contextHash?.length !== HASH_BYTES) return fail('has a `ctx` in its header that is no SHA-256 in base64url');
  if (nonce.length !== NONCE_BYTES) fail(`must have an IV of ${String(NONCE_BYTES)} bytes`);
  if (tag.length !== TAG_BYTES) fail(`must have a tag of ${String(TAG_BYTES)} bytes; it may have been cut short`);
  if (content.length === 0 || content.length > MAX_PLAINTEXT_BYTES) {
    fail(`must have 1 to ${String(MAX_PLAINTEXT_BYTES)} bytes of content, got ${String(content.length)}`);
  }
  return { header, kid, contextHash, nonce, content, tag };
}

/** Returns the header's members, or `undefined` unless they are exactly those of `MEMBERS`, each once and a string. */
function readHeader(bytes: Uint8Array): Record<(typeof MEMBERS)[number], string> | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof header !== 'object' || header === null || Object.keys(header).length !== MEMBERS.length) return undefined;
  const members = header as Record<(typeof MEMBERS)[number], string>;
  if (!MEMBERS.every((name) => Object.hasOwn(members, name) && typeof members[name] === 'string')) return undefined;
  // JSON.parse keeps the last of two members of one name. Each member has four quotes: more of them are a second one.
  return countQuotes(text) === MEMBERS.length * 4 ? members : undefined;
}

/** Counts the quotes that begin or end a string of JSON. */
function countQuotes(json: string): number {
  let count = 0;
  for (let at = 0; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === '"') count++;
  }
  return count;
}

function isKeyId(kid: string): boolean {
  const digits = kid.slice(KID_PREFIX.length);
  return (
    kid.startsWith(KID_PREFIX) &&
    digits.length === KID_DIGITS &&
    [...digits].every((digit) => '0123456789abcdef'.includes(digit))
  );
}

/** Hashes the canonical JSON (RFC 8785) of a context: two contexts give the same bytes only if they are equal, in any order. */
function hashContext(context: EncryptionContext): Uint8Array {
  // Joined by hand: an object would put names such as "9" and "10" in the order of their numbers.
  const members = Object.entries(context)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.map((text) => JSON.stringify(text)).join(':'));
  return nodeCrypto()
    .createHash('sha256')
    .update(`{${members.join(',')}}`)
    .digest();
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/** Returns the bytes of canonical base64url without padding, or `undefined`: Buffer skips characters that it does not know. */
function decode(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return encode(bytes) === text ? bytes : undefined;
}
