import { copyBytes } from '../util/bytes.js';
import { nodeCrypto } from '../util/node-builtins.js';
import { afterTurn } from '../util/clock.js';
import { SecretMatcher } from '../redaction/secret-matcher.js';
import { computeDigest, computeFingerprint } from './fingerprint.js';
import type { Stage } from '../types.js';

const NO_MEMORY: ArrayBufferLike = new ArrayBuffer(0);

/** The matchers that find a key in text, for the few clients that ask for one. */
const matchers = new WeakMap<CachedKey, SecretMatcher>();

/** The times of a key's life, in epoch ms. */
export interface Lifetime {
  loadedAt: number;
  expiresAt: number;
  purgeAt: number;
  /** The store's hard end, if it gave one. */
  until: number | undefined;
  /** Offset from epoch ms to the monotonic clock, sampled at load: `monotonic = epoch + toMonotonic`. */
  toMonotonic: number;
  /** Creation of the key, if the store told it. Absent otherwise: most stores do not. */
  createdAt?: number;
}

/** One decrypted key of one stage. {@link CachedKey.zero} clears its bytes, whoever still refers to it. */
export class CachedKey {
  // Fields that every call reads come first, so that they lie together in memory.
  /** Epoch ms until which the warm path may hand the key out without any other check; 0: check first. */
  warmUntil = 0;
  /** {@link WallClock.steps} when the key was loaded. */
  clockSteps: number;
  /** The reason why the next success with this key has to be looked at; `undefined`: it has not. */
  firstSuccessPending: 'changed' | 'rejected' | 'unreported' | undefined;
  readonly stage: Stage;
  #text: string | undefined;
  /** Number of running calls that hold the key. */
  #holders = 0;
  /** The key's bytes, in an ArrayBuffer that nothing else shares. Let go once it is zeroed. */
  #buffer: ArrayBufferLike | undefined;
  /** Keyed digest of the bytes: equal for the same generation of the key. */
  readonly digest: string;
  #needsRevalidation = false;
  #version: string;
  #lifetime: Lifetime;
  /** The price API's last answer about this key. `suspect`: it was refused, and the store is being asked. */
  verdict: 'good' | 'suspect' | 'rejected' = 'good';

  constructor(bytes: Uint8Array, version: string, stage: Stage, lifetime: Lifetime, clockSteps: number) {
    this.clockSteps = clockSteps;
    this.#buffer = bytes.buffer;
    this.#version = version;
    this.stage = stage;
    this.digest = computeDigest(bytes);
    this.#lifetime = lifetime;
  }

  get version(): string {
    return this.#version;
  }

  get lifetime(): Lifetime {
    return this.#lifetime;
  }

  /** A new view of the key's bytes, empty once it is zeroed. Not kept: a view takes more memory than the bytes. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#buffer ?? NO_MEMORY);
  }

  /** Returns a copy of the key. One that was zeroed meanwhile is made of the string that a running call still holds. */
  copyBytes(): Uint8Array {
    return this.isZeroed ? new TextEncoder().encode(this.text) : copyBytes(this.bytes);
  }

  /** True when the store has to say whether this is still the stage's key; if it is, it need not be decrypted again. */
  get needsRevalidation(): boolean {
    return this.#needsRevalidation;
  }

  requireRevalidation(): void {
    this.#needsRevalidation = true;
    this.warmUntil = 0;
  }

  /** Starts a new life: the store gave the same bytes again. */
  renew(version: string, lifetime: Lifetime, clockSteps: number): void {
    this.#version = version;
    this.#lifetime = lifetime;
    this.clockSteps = clockSteps;
    this.#needsRevalidation = false;
    this.warmUntil = 0;
  }

  /** The key as a string. At most one is made, when first read. */
  get text(): string {
    if (this.#text !== undefined) return this.#text;
    if (this.#buffer === undefined) throw new Error('This key has been zeroed.');
    // A view of the same memory, so that there is no second copy of the bytes.
    return (this.#text = Buffer.from(this.#buffer).toString('latin1'));
  }

  /** Finds this key in text. Kept as long as its string: to make one takes 5 us and 5 KB. */
  get matcher(): SecretMatcher {
    const matcher = matchers.get(this) ?? new SecretMatcher([this.text]);
    matchers.set(this, matcher);
    return matcher;
  }

  /** The key as a string, or `undefined` once it is gone. */
  get textIfKnown(): string | undefined {
    return this.isZeroed ? this.#text : this.text;
  }

  /** True when the key was zeroed and no string of it was kept: whoever chose it must choose again. */
  get isGone(): boolean {
    return this.isZeroed && this.#text === undefined;
  }

  get isZeroed(): boolean {
    return this.#buffer === undefined;
  }

  get fingerprint(): string {
    return computeFingerprint(this.bytes);
  }

  /** Compares the bytes, in a time that does not depend on them. */
  hasBytes(other: Uint8Array): boolean {
    return this.bytes.byteLength === other.byteLength && nodeCrypto().timingSafeEqual(this.bytes, other);
  }

  /** Keeps the key's string for the callers who waited for it, whatever becomes of the key in this turn. */
  holdForTurn(): void {
    this.hold();
    afterTurn(() => this.release());
  }

  /** A call starts to use the key. */
  hold(): void {
    this.#holders++;
  }

  /** A call that used the key has settled. */
  release(): void {
    if (--this.#holders === 0 && this.isZeroed) this.#forgetText();
  }

  /** Zeroes the bytes. The string stays until the last call that holds it has settled. */
  zero(): void {
    if (this.#buffer === undefined) return;
    if (this.#holders > 0) void this.text;
    else this.#forgetText();
    this.warmUntil = 0;
    this.bytes.fill(0);
    this.#buffer = undefined;
  }

  #forgetText(): void {
    this.#text = undefined;
    matchers.get(this)?.clear();
    matchers.delete(this);
  }
}
