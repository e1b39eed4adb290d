import { nodeCrypto } from '../util/node-builtins.js';
import { computeDigest, computeFingerprint } from './fingerprint.js';
import type { Stage } from '../types.js';

/** The moments of a key's life, in epoch ms. */
export interface Lifetime {
  loadedAt: number;
  expiresAt: number;
  purgeAt: number;
  /** The store's hard end, if it gave one. */
  until: number | undefined;
  /** Added to one of these moments it gives the same on the monotonic clock, as the clocks stood when the key came. */
  toMono: number;
}

/** One decrypted key of one stage. Its bytes are zeroed by {@link CachedKey.retire}, whatever still points here. */
export class CachedKey {
  /** An array buffer of its own. */
  readonly #buffer: ArrayBufferLike;
  readonly stage: Stage;
  /** Equal for equal bytes: the generation. */
  readonly digest: string;
  #version: string;
  #life: Lifetime;
  /** Wall-clock moment until which the warm path may hand the key out without looking any further; 0: look. */
  warmUntil = 0;
  /** Whether it may be used without asking the store: doubted, it is still the key that it was. */
  #state: 'sure' | 'doubted' | 'expired' = 'sure';
  /** What the price API last said of it. */
  standing: 'good' | 'suspect' | 'rejected' = 'good';
  /** Why the next success with this key is news: it has changed, or it was refused before. */
  watched: 'changed' | 'refused' | undefined;
  /** It has just come, and those who waited for it are on their way: dropped now, it is still theirs. */
  landing = false;
  #text: string | undefined;
  #retired = false;

  constructor(bytes: Uint8Array, version: string, stage: Stage, life: Lifetime) {
    this.#buffer = bytes.buffer;
    this.#version = version;
    this.stage = stage;
    this.digest = computeDigest(bytes);
    this.#life = life;
  }

  get version(): string {
    return this.#version;
  }

  get life(): Lifetime {
    return this.#life;
  }

  /** A view over the key's bytes; one that is kept would be larger than they are. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#buffer);
  }

  /** Expired before its time. */
  get expired(): boolean {
    return this.#state === 'expired';
  }

  /** The store has to be asked which key this stage is; if it is this one, it need not be read again. */
  get doubted(): boolean {
    return this.#state === 'doubted';
  }

  expire(): void {
    this.#state = 'expired';
    this.warmUntil = 0;
  }

  doubt(): void {
    if (this.#state === 'sure') this.#state = 'doubted';
    this.warmUntil = 0;
  }

  /** The same bytes came again: a new life. */
  renew(version: string, life: Lifetime): void {
    this.#version = version;
    this.#life = life;
    this.#state = 'sure';
    this.warmUntil = 0;
  }

  /** The key as a string: the one string there is, made when first asked for. */
  get text(): string {
    if (this.#text !== undefined) return this.#text;
    if (this.#retired) throw new Error('This key has been zeroed.');
    // A view over the same memory: no second copy of the bytes.
    return (this.#text = Buffer.from(this.#buffer).toString('latin1'));
  }

  /** The key as a string if it can still be had. */
  get textIfAny(): string | undefined {
    return this.#retired ? this.#text : this.text;
  }

  /** Zeroed, and no string was kept: whoever chose it a moment ago has to choose again. */
  get gone(): boolean {
    return this.#retired && this.#text === undefined;
  }

  get retired(): boolean {
    return this.#retired;
  }

  get fingerprint(): string {
    return computeFingerprint(this.bytes);
  }

  /** Whether these are the same bytes, in a time that does not depend on them. */
  sameBytes(other: Uint8Array): boolean {
    return this.bytes.byteLength === other.byteLength && nodeCrypto().timingSafeEqual(this.bytes, other);
  }

  /** Zeroes the bytes. The string stays for the calls that still run with this key, and only if there are any. */
  retire(keepText: boolean): void {
    if (keepText && !this.#retired) void this.text;
    this.#retired = true;
    this.warmUntil = 0;
    this.bytes.fill(0);
    if (!keepText) this.#text = undefined;
  }
}
