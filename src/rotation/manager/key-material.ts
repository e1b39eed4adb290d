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
  type EncryptedKey,
  type KeyCipher,
} from '../../core/index.js';
import { openVersion, RING_BINDING } from '../ring/decrypt-version.js';
import type { CheckedRotation } from './options.js';
import { signalOf } from './options.js';
import type { RingVersion } from '../ring/types.js';

/** Notes that go with a version. */
export type Metadata = Readonly<Record<string, string>> | undefined;
/** What can be given up. */
export interface Cancelling {
  signal?: AbortSignal | undefined;
}

/** What a step does with a key in hand: checks its notes, encrypts it, compares it, tries it. */
export class KeyMaterial {
  readonly #options: CheckedRotation;

  constructor(options: CheckedRotation) {
    this.#options = options;
  }

  get cipher(): KeyCipher {
    return this.#options.source.ciphers[0] as KeyCipher;
  }

  /** What every ciphertext of this ring is bound to beside the cipher's own context. */
  get binding(): Readonly<Record<string, string>> {
    return { [RING_BINDING]: this.#options.source.name };
  }

  /** Encrypts under the first cipher, and decrypts back before anything relies on it. */
  async seal(step: string, key: Uint8Array, { signal }: Cancelling): Promise<EncryptedKey> {
    const encrypted = await this.cipher.encrypt(key, { bind: this.binding, signal });
    const back = await this.cipher.decrypt(encrypted.ciphertext, { bind: this.binding, signal });
    try {
      if (!same(back, key) || encrypted.fingerprint !== computeFingerprint(key)) {
        throw new RotationError('What was encrypted does not decrypt to the same key: nothing was written.', { step });
      }
    } finally {
      back.fill(0);
    }
    return encrypted;
  }

  checkMetadata(step: string, key: Uint8Array, metadata: Metadata): void {
    if (metadata === undefined) return;
    if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
      throw invalidType(`\`metadata\` must be an object of strings, got ${describeType(metadata)}.`);
    }
    const secret = Buffer.from(key).toString('latin1');
    for (const [name, value] of Object.entries(metadata)) {
      if (typeof value !== 'string') throw invalidType('`metadata` must be an object of strings.');
      if (redactValue(name, [secret]) === name && redactValue(value, [secret]) === value) continue;
      throw new RotationError('`metadata` holds the key, in the clear or encoded: nothing was written.', { step });
    }
  }

  /** Whether a version holds this very key. */
  async holds(
    name: string,
    version: RingVersion | undefined,
    key: Uint8Array,
    { signal }: Cancelling,
  ): Promise<boolean> {
    if (version?.ciphertext === undefined || version.fingerprint !== computeFingerprint(key)) return false;
    const held = await this.open(name, version, signal);
    try {
      return same(held, key);
    } finally {
      held.fill(0);
    }
  }

  /** Decrypts a version; the caller zeroes the bytes. */
  open(name: string, version: RingVersion, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { ciphertext = '' } = version;
    return openVersion(this.#options.source, name, { ...version, ciphertext }, signal);
  }

  /** Tries a key against the price API. Rejects with what the probe said, without the key, unless the caller gave up. */
  async probe(step: string, name: string, key: Uint8Array, options: Cancelling): Promise<void> {
    const { probe } = this.#options;
    if (probe === undefined) return;
    const secret = Buffer.from(key).toString('latin1');
    const signal = signalOf(options);
    signal.throwIfAborted();
    try {
      await probe(secret, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new RotationError(`\`probe\` refused ${name}; its error is the \`cause\`.`, {
        step,
        version: name,
        cause: scrub(error, [secret]),
      });
    }
  }

  /** Opens a version of the ring, and tries it: what a step is about to rely on. */
  async probeVersion(step: string, name: string, version: RingVersion, options: Cancelling): Promise<void> {
    const key = await this.open(name, version, options.signal);
    try {
      await this.probe(step, name, key, options);
    } finally {
      key.fill(0);
    }
  }

  /** Has the key minted, or handed over again, that belongs to `rotationId`. */
  async mint(step: string, rotationId: string, options: Cancelling): Promise<{ key: Uint8Array; metadata: Metadata }> {
    const { generate } = this.#options;
    if (generate === undefined) {
      throw new RotationError(`\`${step}\` needs a key, or the manager a \`generate\` to mint one with.`, { step });
    }
    const signal = signalOf(options);
    let minted: unknown;
    try {
      minted = await generate({ rotationId, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (isGoldKeyError(error)) throw error;
      throw new RotationError(
        `\`generate\` failed; its error is the \`cause\`. Running \`${step}\` again asks it for the same \`rotationId\`.`,
        // A mint that is down is asked again, with the same id.
        { step, cause: error, retryable: true },
      );
    }
    const { key, metadata } = (minted ?? {}) as { key?: unknown; metadata?: Metadata };
    return { key: keyBytes(key), metadata };
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && nodeCrypto().timingSafeEqual(a, b);
}
