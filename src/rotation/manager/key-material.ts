import {
  computeFingerprint,
  invalidType,
  isGoldKeyError,
  keyBytes,
  describeType,
  nodeCrypto,
  redactValue,
  RotationError,
  scrub,
} from '../../core/index.js';
import { decryptVersion } from '../ring/decrypt-version.js';
import { findVersion } from '../ring/document.js';
import { newVersion } from '../ring/transitions.js';
import type { KeyRingDocument, RingVersion } from '../ring/types.js';
import type { RotationContext } from './options.js';

/** A key that a step is given; `undefined` has `generate` mint one. */
export type GivenKey = string | Uint8Array | undefined;

/** The key of a new version and its notes. */
export interface NewKey {
  readonly key: GivenKey;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** The id for `generate`; set if `key` is not. */
  readonly rotationId: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Calls `use` with a new version, encrypted, and its key's bytes, which are zeroed after it. */
export async function withNewVersion<T>(
  context: RotationContext,
  step: string,
  state: 'pending' | 'current',
  given: NewKey,
  use: (version: RingVersion, bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  const { rotationId, signal } = given;
  const minted = given.key === undefined ? await mintKey(context, step, rotationId ?? '', signal) : undefined;
  const bytes = minted?.key ?? keyBytes(given.key);
  try {
    // Checked one by one: the spread below would make an object of anything.
    for (const notes of [given.metadata, minted?.metadata]) checkMetadata(step, bytes, notes);
    const metadata = minted?.metadata === undefined ? given.metadata : { ...given.metadata, ...minted.metadata };
    const { cipher, binding: bind } = context;
    const encrypted = await cipher.encrypt(bytes, { bind, signal });
    const decrypted = await cipher.decrypt(encrypted.ciphertext, { bind, signal });
    const isSame = isEqual(decrypted, bytes) && encrypted.fingerprint === computeFingerprint(bytes);
    decrypted.fill(0);
    if (!isSame) {
      throw new RotationError('The new ciphertext does not decrypt to the same key; nothing was written.', { step });
    }
    return await use(newVersion(context, encrypted, { state, metadata, rotationId, now: context.clock.now() }), bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Calls `use` with the decrypted key of a version, which is zeroed after it. */
export async function withDecryptedKey<T>(
  { source }: RotationContext,
  name: string,
  version: RingVersion,
  signal: AbortSignal | undefined,
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
export async function holdsKey(
  context: RotationContext,
  name: string,
  version: RingVersion,
  key: GivenKey,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (key === undefined) return false;
  const bytes = keyBytes(key);
  try {
    if (version.ciphertext === undefined || version.fingerprint !== computeFingerprint(bytes)) return false;
    return await withDecryptedKey(context, name, version, signal, (held) => isEqual(held, bytes));
  } finally {
    bytes.fill(0);
  }
}

/**
 * Tries a key against the price API. Rejects with the probe's error, without the key, or with the signal's reason if
 * that aborted meanwhile.
 */
export async function probeKey(
  { probe }: RotationContext,
  step: string,
  name: string,
  key: Uint8Array,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  if (probe === undefined) return;
  const secret = Buffer.from(key).toString('latin1');
  signal.throwIfAborted();
  try {
    await probe(secret, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const cause = scrub(error, [secret]);
    throw new RotationError(`\`probe\` refused ${name}; see \`cause\`.`, { step, version: name, cause });
  }
}

/** Decrypts and probes a version that a step is about to rely on. */
export async function probeVersion(
  context: RotationContext,
  step: string,
  ring: KeyRingDocument,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const version = findVersion(ring, name) as RingVersion;
  await withDecryptedKey(context, name, version, signal, (key) => probeKey(context, step, name, key, signal));
}

/** Has `generate` mint the key of `rotationId`, or return it again. */
async function mintKey(
  { generate }: RotationContext,
  step: string,
  rotationId: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ key: Uint8Array; metadata: NewKey['metadata'] }> {
  if (generate === undefined) {
    throw new RotationError(`\`${step}\` needs a key; pass one, or give the manager \`generate\`.`, { step });
  }
  let minted: unknown;
  try {
    minted = await generate({ rotationId, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isGoldKeyError(error)) throw error;
    throw new RotationError(
      `\`generate\` failed; see \`cause\`. Run \`${step}\` again to ask it for the same \`rotationId\`.`,
      { step, cause: error, retryable: true },
    );
  }
  const { key, metadata } = (minted ?? {}) as { key?: unknown; metadata?: NewKey['metadata'] };
  return { key: keyBytes(key), metadata };
}

function checkMetadata(step: string, key: Uint8Array, metadata: unknown): void {
  if (metadata === undefined) return;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalidType(`\`metadata\` must be an object of strings, got ${describeType(metadata)}.`);
  }
  const secret = Buffer.from(key).toString('latin1');
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw invalidType('`metadata` must be an object of strings.');
    if (redactValue(name, [secret]) === name && redactValue(value, [secret]) === value) continue;
    throw new RotationError('`metadata` holds the key, in plaintext or encoded; nothing was written.', { step });
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && nodeCrypto().timingSafeEqual(a, b);
}
