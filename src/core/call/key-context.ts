import type { CachedKey } from '../cache/cached-key.js';
import type { SecretMatcher } from '../redaction/secret-matcher.js';
import type { Stage } from '../types.js';
import type { Cancellation } from './cancellation.js';

/** A running call, as its {@link KeyContext} sees it. */
export interface CallView {
  /** The key of this run; `undefined` before the first run and once the call has settled. */
  readonly key: CachedKey | undefined;
  readonly attempt: number;
  /** Aborts when the call ends early. */
  readonly endSignal: AbortSignal;
  readonly cancellation: Cancellation;
  /** Returns a copy of the key's bytes, which is zeroed when the call settles. */
  copyBytes(): Uint8Array;
}

/** Creates the context that the caller's function sees. */
export let createContext: (call: CallView) => KeyContext;
/** Returns the call's cancellation, which costs less than its signal; `undefined` if the context is not goldkey's. */
export let getCancellation: (context: KeyContext) => Cancellation | undefined;
/** Returns what finds the call's key in text, made once per key; `undefined` if the context is not goldkey's. */
export let getKeyMatcher: (context: KeyContext) => SecretMatcher | undefined;

/**
 * The key, and the signal to pass on, as the caller's function gets them. Its getters are on the class, so it can be
 * destructured, and printing or serialising it shows no key. Every getter throws a `TypeError` once the call has settled.
 *
 * @example
 * ```ts
 * await client.withKey(async ({ apiKey, signal }) => fetch('https://api.example/latest', {
 *   headers: { 'x-access-token': apiKey }, signal,
 * }));
 * ```
 */
export class KeyContext {
  /** Unset only in a context that a caller has made by hand. */
  readonly #call: CallView | undefined;

  private constructor(call: CallView) {
    this.#call = call;
  }

  static {
    // Not by its name: esbuild would publish the class as `_KeyContext`.
    createContext = (call) => new this(call);
    getCancellation = (context) => (#call in context ? requireRunning(context.#call).cancellation : undefined);
    getKeyMatcher = (context) => (#call in context ? requireKey(context.#call).matcher : undefined);
  }

  /** The key. One string is made per cached key, when it is first read. */
  get apiKey(): string {
    return requireKey(this.#call).text;
  }

  /** A copy of the key's bytes, zeroed when the call settles. */
  get bytes(): Uint8Array {
    return requireRunning(this.#call).copyBytes();
  }

  /** The key's version, as its store names it. */
  get version(): string {
    return requireKey(this.#call).version;
  }

  /** The stage that the key comes from. */
  get stage(): Stage {
    return requireKey(this.#call).stage;
  }

  /** The number of this run of the function, from 1, counting retries and repeats alike. */
  get attempt(): number {
    return requireRunning(this.#call).attempt;
  }

  /** Aborts at the call's deadline while it runs, and with the caller's own signal at any time. Made on first read. */
  get signal(): AbortSignal {
    return requireRunning(this.#call).endSignal;
  }

  /** @internal */
  toJSON(): object {
    return describe(this.#call);
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return describe(this.#call);
  }
}

function requireRunning(call: CallView | undefined): CallView {
  if (call?.key === undefined) {
    throw new TypeError('The call has settled: read what you need of the context before its function returns.');
  }
  return call;
}

function requireKey(call: CallView | undefined): CachedKey {
  return requireRunning(call).key as CachedKey;
}

function describe(call: CallView | undefined): object {
  if (call?.key === undefined) return { settled: true };
  return { version: call.key.version, stage: call.key.stage, attempt: call.attempt };
}
