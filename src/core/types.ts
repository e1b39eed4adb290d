import type { GoldKeyError, GoldKeyErrorCode } from './errors.js';

/** Which of the live keys: Secrets Manager's AWSCURRENT, AWSPENDING and AWSPREVIOUS. */
export type Stage = 'current' | 'pending' | 'previous';

/**
 * A key store. Implement it for a store goldkey does not know; `goldkey/testing` has the contract test to hold it to.
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { KeyNotFoundError, type KeyProvider } from 'goldkey';
 *
 * const fromTape: KeyProvider = {
 *   name: 'tape',
 *   async load({ stage, signal }) {
 *     if (stage !== 'current') return undefined;
 *     return { bytes: await readFile('/mnt/tape/key', { signal }), version: '1' };
 *   },
 * };
 * ```
 */
export interface KeyProvider {
  /** Names the store in errors, events and metrics, e.g. `aws-kms`. */
  readonly name: string;
  /** True when the store holds the key in plaintext (an environment variable, a mounted file). */
  readonly plaintextAtRest?: boolean | undefined;
  /**
   * The key of one stage; `unchanged` when its version is among `known`; `undefined` when the stage has no key.
   * Retries its own transient faults inside `signal`.
   */
  load(request: LoadRequest): Promise<LoadedKey | UnchangedKey | undefined>;
  /** Read once per load of `current`. Without it `pending` is never used and `previous` is a last resort. */
  rollout?(request: { signal: AbortSignal }): Promise<Rollout>;
  /** Told once per rollout when this client gives up on its `pending` key. */
  report?(refusal: { version: string; rejections: number }): Promise<void>;
  /** Tells of changes in the store. Resolves to the unsubscribe function. */
  subscribe?(onChange: (change: { version?: string | undefined }) => void): Promise<() => Promise<void>>;
  /** Called when the last client that uses this provider has closed. */
  close?(): Promise<void>;
}

/** What a store is asked. */
export interface LoadRequest {
  /** Which key. */
  stage: Stage;
  /** Aborts at `keyTimeout` and on `close()`. */
  signal: AbortSignal;
  /** The versions held, in any stage; never sent on a forced reload, so that a refused key is really read again. */
  known?: readonly string[] | undefined;
}

/** A key as a store hands it over. The core takes ownership of `bytes`: it copies them and zeroes exactly this view. */
export interface LoadedKey {
  /** The key itself: printable ASCII, at least 8 characters; a trailing newline is trimmed. */
  bytes: Uint8Array;
  /** Names the key in events and errors; keys are told apart by their bytes, never by this. */
  version: string;
  /** Epoch ms: the key is asked for again from then on. Must lie ahead. */
  expiresAt?: number | undefined;
  /** Epoch ms. */
  createdAt?: number | undefined;
  /** Epoch ms: a hard end, past which not even `staleIfError` serves it. */
  until?: number | undefined;
  /** The key comes from an emergency store. */
  breakGlass?: boolean | undefined;
}

/** The answer of a store that still has a version the client holds. */
export interface UnchangedKey {
  unchanged: true;
  /** One of the request's `known`. */
  version: string;
  /** Epoch ms, as in {@link LoadedKey}. */
  expiresAt?: number | undefined;
}

/** How far a new key is rolled out. */
export interface Rollout {
  /** Changes when an operator starts another canary. */
  id: string;
  /** From 0 to 100: the share of instances that use `pending`. */
  pendingPercent: number;
  /** Epoch ms. */
  previousUntil?: number | undefined;
}

/** Options of {@link KeyedClient}. Durations are integer milliseconds. */
export interface KeyedClientOptions {
  /** Where the key comes from. Clients given the same object share the key, its loads and its pauses. */
  keyProvider: KeyProvider;
  /** Life of a decrypted key, from 1 to 2_147_483_647 ms. Default 300_000. There is no "for ever". */
  ttl?: number | undefined;
  /** From 0 to 0.5: a life is uniform in [ttl * (1 - j), ttl], so that a fleet does not expire at once. Default 0.1. */
  ttlJitter?: number | undefined;
  /**
   * Inside this window before expiry (at most half the life) one caller's access starts a background load; nobody
   * waits. Default 60_000 ms; 0 turns it off.
   */
  refreshAhead?: number | undefined;
  /** How long past its expiry a key may serve while the store is down. Default 600_000 ms; 0 turns it off. */
  staleIfError?: number | undefined;
  /** The longest pause between two reloads of one stage that a refusal forced. Default 30_000 ms. */
  reloadCooldown?: number | undefined;
  /** One key load, retries included, at least 1 ms. Default 5_000. */
  keyTimeout?: number | undefined;
  /** The whole call: key, attempts and waits; at least 1 ms. Default 10_000. A call may override it. */
  timeout?: number | undefined;
  /**
   * Reruns the caller's function on transient faults. `KeyedClient`: default `false`. `GoldDataClient`: default
   * `{ retries: 2, minTimeout: 100, maxTimeout: 2_000, factor: 2, randomize: true }`. `true` means those same values.
   */
  retry?: RetryOptions | boolean | undefined;
  /** Whether an outcome means that the price API refused the key. Default: HTTP status 401 anywhere it can stand. */
  isKeyRejected?: ((outcome: Outcome) => boolean | Promise<boolean>) | undefined;
  /** What `retry` reruns. Default: 408, 425, 429, 500, 502, 503, 504 and socket or DNS codes. */
  isTransient?: ((outcome: Outcome) => boolean) | undefined;
  /** Puts this instance in a canary's bucket. Default: random per process. */
  instanceId?: string | undefined;
  /** A label in events, metrics and audit records; no identity. Default: `keyProvider.name`. */
  name?: string | undefined;
  /** Both readings and the timers. Default: the system's. */
  clock?: Clock | undefined;
}

/** p-retry's words. */
export interface RetryOptions {
  /** Reruns after the first run, an integer from 0. Default 2. */
  retries?: number | undefined;
  /** The first wait in ms. Default 100. */
  minTimeout?: number | undefined;
  /** The longest wait in ms. Default 2_000. */
  maxTimeout?: number | undefined;
  /** How much longer each wait is than the one before, at least 1. Default 2. */
  factor?: number | undefined;
  /** Multiplies each wait by a random factor from 1 to 2. Default true. */
  randomize?: boolean | undefined;
}

/** What the caller's function did: it threw `error`, or returned `result` (a fetch `Response` with status 401 is a result). */
export interface Outcome {
  error?: unknown;
  result?: unknown;
}

/** Both clocks and the timers; `goldkey/testing` has one that a test moves by hand. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds that never step back. */
  monotonic(): number;
  /** Runs `callback` once after `ms`, without holding the process when `unref` is true. */
  setTimeout(callback: () => void, ms: number, options?: { unref?: boolean | undefined }): { cancel(): void };
}

/** What one call may set for itself. */
export interface CallOptions {
  /** Ends this call's wait with `signal.reason`; what others wait for goes on. */
  signal?: AbortSignal | undefined;
  /** This call's deadline in ms, at least 1. Default: the client's `timeout`. */
  timeout?: number | undefined;
  /** The function runs at most once: neither retried nor repeated with another key (a stream body, a payment). */
  once?: boolean | undefined;
}

/** What a client holds now. No field is, or contains, the key. */
export interface KeyStatus {
  name: string;
  state: 'empty' | 'fresh' | 'stale' | 'suspect' | 'rejected' | 'backing-off' | 'closed';
  /** Whether a load is under way. */
  loading: boolean;
  version?: string | undefined;
  stage?: Stage | undefined;
  /** 8 hex digits that are equal wherever the same key is held. */
  fingerprint?: string | undefined;
  /** Epoch ms. */
  loadedAt?: number | undefined;
  /** Epoch ms. */
  expiresAt?: number | undefined;
  /** Epoch ms: the plaintext is zeroed then at the latest. */
  purgeAt?: number | undefined;
  /** Ms until the next load may start, while backing off or cooling down. */
  retryAfter?: number | undefined;
  lastErrorCode?: GoldKeyErrorCode | undefined;
  counts: {
    calls: number;
    loads: number;
    loadFailures: number;
    rejections: number;
    repairs: number;
    retries: number;
    stale: number;
    evictions: number;
  };
}

/** What every event tells. */
export interface KeyEventBase {
  /** The client's `name`. */
  name: string;
  /** The store's name. */
  provider: string;
  version?: string | undefined;
  stage?: Stage | undefined;
  /** Epoch ms. */
  at: number;
}

/** The events of `on()` and of the diagnostics channels `goldkey:<event>`. No payload holds a key. */
export interface KeyEvents {
  /** A load ended well; `changed` when the bytes differ from the last ones. `duration` in ms. */
  loaded: KeyEventBase & { duration: number; fingerprint: string; changed: boolean };
  /** A load failed; the next may start in `retryAfter` ms. */
  'load-failed': KeyEventBase & { duration: number; error: GoldKeyError; retryAfter: number };
  /** A key past its expiry was chosen because the store is down or slow; `age` in ms since it was loaded. */
  stale: KeyEventBase & { age: number; error?: GoldKeyError | undefined };
  /** A key was dropped and zeroed. */
  evicted: KeyEventBase & { reason: string };
  /** The price API refused a key. */
  'key-rejected': KeyEventBase;
  /** A refused call went through with another key; `from` is the refused version. */
  repaired: KeyEventBase & { from: string };
  /** A transient fault: run number `attempt` starts after `delay` ms. */
  retry: KeyEventBase & { attempt: number; delay: number };
  /** A trailing newline was cut from the key. */
  trimmed: KeyEventBase;
  /** The store's rollout changed. */
  'rollout-changed': KeyEventBase & { pendingPercent: number };
  /** This client gave up on its `pending` key. */
  'rollout-reverted': KeyEventBase & { rejections: number };
  /** A key of an emergency store is in use until `until` (epoch ms). */
  'break-glass': KeyEventBase & { severity: 'critical'; until: number };
  /** The client has closed. */
  closed: KeyEventBase;
}

/** Pairs that KMS binds into a ciphertext: not secret, logged by CloudTrail, needed letter for letter to decrypt. */
export type EncryptionContext = Readonly<Record<string, string>>;

/** Encrypts and decrypts keys under one master key and one EncryptionContext, both pinned in code. */
export interface KeyCipher {
  /** Names the cipher, e.g. `aws-kms`. */
  readonly name: string;
  /** The pinned context. */
  readonly encryptionContext: EncryptionContext;
  /** Whether a ciphertext said to be under this cipher and key may be tried; a key alias leaves that to the store. */
  accepts(version: { cipher: string; keyId: string; encryptionContext: EncryptionContext }): boolean;
  /** `bind` adds pairs to the EncryptionContext. */
  encrypt(
    key: string | Uint8Array,
    options?: { bind?: EncryptionContext | undefined; signal?: AbortSignal | undefined },
  ): Promise<EncryptedKey>;
  /** The plaintext, in a buffer of its own that the caller zeroes. */
  decrypt(
    ciphertext: string | Uint8Array,
    options?: { bind?: EncryptionContext | undefined; signal?: AbortSignal | undefined },
  ): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** A key as it is stored: nothing in it is secret. */
export interface EncryptedKey {
  /** base64, safe in Git. */
  ciphertext: string;
  keyId: string;
  encryptionContext: EncryptionContext;
  /** 8 hex digits that tell keys apart. */
  fingerprint: string;
  /** Epoch ms. */
  createdAt: number;
}
