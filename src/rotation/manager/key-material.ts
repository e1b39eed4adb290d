import {
  computeFingerprint,
  invalidType,
  isGoldKeyError,
  isPlainObject,
  encodeKey,
  describeType,
  nodeCrypto,
  RotationError,
  scrub,
  SecretMatcher,
  type EncryptedKey,
} from '../../core/index.js';
import { decryptVersion } from '../ring/decrypt-version.js';
import { findVersion } from '../ring/document.js';
import { newVersion } from '../ring/transitions.js';
import type { KeyRingDocument, RingVersion } from '../ring/types.js';
import type { Step } from './options.js';
import type { MintedBytes } from './unstored-key.js';

/** A key to encrypt as a new version. Without `key` it is minted by `generate` for `rotationId`. */
export interface NewKey extends Pick<RingVersion, 'state' | 'metadata' | 'rotationId'> {
  readonly key: string | Uint8Array | undefined;
}

/** Encrypts and decrypts a sample, so that no key is minted while it could not be stored. */
export async function tryCipher(step: Step): Promise<void> {
  await encryptKey(step, encodeKey('goldkey-cipher-trial'));
}

/** Calls `use` with a new version, encrypted, and its key's bytes, which are zeroed after it. */
export async function withNewVersion<T>(
  step: Step,
  { key, ...about }: NewKey,
  use: (version: RingVersion, bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  const minted = key === undefined ? await mintKey(step, about.rotationId ?? '') : undefined;
  const bytes = minted?.key ?? encodeKey(key);
  try {
    checkMetadata(step, bytes, about.metadata);
    const metadata = minted?.metadata === undefined ? about.metadata : { ...about.metadata, ...minted.metadata };
    const encrypted = await encryptKey(step, bytes);
    return await use(newVersion(step, { ...about, encrypted, metadata, now: step.clock.now() }), bytes);
  } catch (error) {
    // A key that no cipher takes: `generate` has to make another one.
    if (isGoldKeyError(error, 'ERR_GOLDKEY_FORMAT')) step.unstored.forget();
    throw scrub(error, [Buffer.from(bytes).toString('latin1')]);
  } finally {
    bytes.fill(0);
  }
}

/** Encrypts a key and decrypts it again to compare. */
async function encryptKey({ name, cipher, binding: bind, signal }: Step, key: Uint8Array): Promise<EncryptedKey> {
  const encrypted = await cipher.encrypt(key, { bind, signal });
  const decrypted = await cipher.decrypt(encrypted.ciphertext, { bind, signal });
  const isSame = isEqual(decrypted, key) && encrypted.fingerprint === computeFingerprint(key);
  decrypted.fill(0);
  if (isSame) return encrypted;
  throw new RotationError('The new ciphertext does not decrypt to the same key; nothing was written.', { step: name });
}

/** Calls `use` with the decrypted key of a version, which is zeroed after it. */
export async function withDecryptedKey<T>(
  { source, signal }: Step,
  name: string,
  version: RingVersion,
  use: (bytes: Uint8Array) => T | Promise<T>,
): Promise<T> {
  const bytes = await decryptVersion(source, name, version, signal);
  try {
    return await use(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Resolves to whether a version holds exactly this key. */
export async function holdsKey(step: Step, name: string, version: RingVersion, key: NewKey['key']): Promise<boolean> {
  if (key === undefined || version.ciphertext === undefined || version.fingerprint !== fingerprintOf(key)) return false;
  const bytes = encodeKey(key);
  try {
    return await withDecryptedKey(step, name, version, (held) => isEqual(held, bytes));
  } finally {
    bytes.fill(0);
  }
}

/** Returns the fingerprint of a key that is given. */
export function fingerprintOf(key: NewKey['key']): string | undefined {
  if (key === undefined) return undefined;
  const bytes = encodeKey(key);
  try {
    return computeFingerprint(bytes);
  } finally {
    bytes.fill(0);
  }
}

/**
 * Tries a key against the price API. Rejects with the probe's error, without the key, or with the signal's reason if
 * that aborted meanwhile.
 */
export async function probeKey(step: Step, version: string, key: Uint8Array): Promise<void> {
  const { probe, signal = new AbortController().signal } = step;
  if (probe === undefined) return;
  const secret = Buffer.from(key).toString('latin1');
  signal.throwIfAborted();
  try {
    await probe(secret, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const cause = scrub(error, [secret]);
    throw new RotationError(`\`probe\` refused ${version}; see \`cause\`.`, { step: step.name, version, cause });
  }
}

/** Decrypts and probes a version that a step is about to rely on. */
export async function probeVersion(step: Step, ring: KeyRingDocument, name: string): Promise<void> {
  await withDecryptedKey(step, name, findVersion(ring, name) as RingVersion, (key) => probeKey(step, name, key));
}

/** Returns the key of `rotationId`: the one that could not be stored, or the one that `generate` mints or returns again. */
async function mintKey(step: Step, rotationId: string): Promise<MintedBytes> {
  const { name, generate, unstored, signal = new AbortController().signal } = step;
  if (generate === undefined) {
    throw new RotationError(`\`${name}\` needs a key; pass one, or give the manager \`generate\`.`, { step: name });
  }
  const kept = unstored.copy(rotationId);
  if (kept !== undefined) return kept;
  let answer: unknown;
  try {
    answer = await generate({ rotationId, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isGoldKeyError(error)) throw error;
    const message = `\`generate\` failed; see \`cause\`. Run \`${name}\` again to ask it for the same \`rotationId\`.`;
    throw new RotationError(message, { step: name, cause: error, retryable: true });
  }
  const { key, metadata } = (answer ?? {}) as { key?: unknown; metadata?: NewKey['metadata'] };
  if (key === undefined) {
    const got = describeType(answer);
    throw invalidType(`\`generate\` must resolve to an object with the \`key\` that it minted, got ${got}.`);
  }
  const minted = { key: encodeKey(key), metadata };
  checkMetadata(step, minted.key, metadata);
  unstored.keep(rotationId, minted);
  return minted;
}

function checkMetadata(step: Step, key: Uint8Array, metadata: unknown): void {
  if (metadata === undefined) return;
  if (!isPlainObject(metadata)) {
    throw invalidType(`\`metadata\` must be an object of strings, got ${describeType(metadata)}.`);
  }
  const matcher = new SecretMatcher([Buffer.from(key).toString('latin1')]);
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw invalidType('`metadata` must be an object of strings.');
    if (!matcher.contains(name) && !matcher.contains(value)) continue;
    const message = '`metadata` holds the key, in plaintext or encoded; nothing was written.';
    throw new RotationError(message, { step: step.name });
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && nodeCrypto().timingSafeEqual(a, b);
}
