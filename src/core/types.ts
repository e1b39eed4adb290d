import type { GoldKeyErrorCode } from './errors.js';

/** One of the live keys, as Secrets Manager's AWSCURRENT, AWSPENDING and AWSPREVIOUS. */
export type Stage = 'current' | 'pending' | 'previous';

/**
 * A key store. Implement it for a store that goldkey does not support, and test it with `keyProviderContract` of
 * `goldkey/testing`.
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
  /** Name of the store in errors, events and metrics, e.g. `aws-kms`. */
  readonly name: string;
  /** True if the store holds the key in plaintext (an environment variable, a mounted file). Default false. */
  readonly plaintextAtRest?: boolean | undefined;
  /**
   * Resolves to the key of one stage, to `unchanged` if its version is among `known`, or to `undefined` if the stage has
   * no key. Retries transient failures by itself until `signal` aborts.
   */
  load(request: LoadRequest): Promise<LoadedKey | UnchangedKey | undefined>;
  /** Resolves to the rollout; called once per load of `current`. Without it `pending` is never used and `previous` is a last resort. */
  rollout?(request: { signal: AbortSignal }): Promise<Rollout>;
  /** Takes a report that this client has left a canary, once per rollout. */
  report?(refusal: { version: string; rejections: number }): Promise<void>;
  /** Calls `onChange` when the store changes. Resolves to a function that unsubscribes. */
  subscribe?(onChange: (change: { version?: string | undefined }) => void): Promise<() => Promise<void>>;
  /** Closes the provider; called when its last client has closed. */
  close?(): Promise<void>;
}

/** A request to a key store. */
export interface LoadRequest {
  /** The stage whose key is wanted. */
  stage: Stage;
  /** Aborts at `keyTimeout` and on `close()`. */
  signal: AbortSignal;
  /** Versions held, in any stage. Never sent on a forced reload, so that a refused key is really read again. */
  known?: readonly string[] | undefined;
}

/** A key as a store returns it. The client takes ownership of `bytes`: it copies them and zeroes exactly this view. */
export interface LoadedKey {
  /** The key itself: printable ASCII, at least 8 characters; a trailing newline is trimmed. */
  bytes: Uint8Array;
  /**
   * Version in events and errors; one that holds the key is refused (`ERR_GOLDKEY_FORMAT`). Keys are compared by their
   * bytes, never by version.
   */
  version: string;
  /** Expiry in epoch ms, in the future: the key is loaded again from then on. Default: the client's `ttl`. */
  expiresAt?: number | undefined;
  /** Creation in epoch ms. */
  createdAt?: number | undefined;
  /** Hard end in epoch ms, past which the key does not serve even while the store is down. */
  until?: number | undefined;
  /** True if the key comes from an emergency store. */
  breakGlass?: boolean | undefined;
}

/** A store's answer when the client already holds the current version. */
export interface UnchangedKey {
  /** Marks this answer. */
  unchanged: true;
  /** One of the request's `known`. */
  version: string;
  /** Expiry in epoch ms, as in {@link LoadedKey}. */
  expiresAt?: number | undefined;
}

/** A key that is live: of the stage `current`, of a canary, or of an overlap. */
export interface LiveKey {
  /** A copy of the key, zeroed when the call settles. */
  readonly bytes: Uint8Array;
  /** Its version. */
  readonly version: string;
  /** Its stage. */
  readonly stage: Stage;
}

/** State of a canary: how many instances use the new key. */
export interface Rollout {
  /** Identifier, which changes when an operator starts another canary. */
  id: string;
  /** Share of instances that use `pending`, from 0 to 100. */
  pendingPercent: number;
  /** Time in epoch ms from which the previous key may be retired. */
  previousUntil?: number | undefined;
}

/** Options of {@link KeyedClient}. Durations are integer milliseconds. */
export interface KeyedClientOptions {
  /**
   * The key store. Clients given the same object share the key, its loads, back-off and cooldown, so that `ttl`, `ttlJitter`,
   * `refreshAhead`, `staleIfError`, `reloadCooldown`, `keyTimeout` and `clock` must be the same in all. Required.
   */
  keyProvider: KeyProvider;
  /** Life of a decrypted key, from 1 to 2_147_483_647 ms. Default 300_000. No value means "for ever". */
  ttl?: number | undefined;
  /** Jitter from 0 to 0.5: lives are uniform in [ttl * (1 - j), ttl], so that a fleet's keys do not expire together. Default 0.1. */
  ttlJitter?: number | undefined;
  /**
   * Window before expiry, at most half the life, in which a call starts a background load for which no caller waits.
   * From 0 to 2_147_483_647 ms, default 60_000; 0 turns it off.
   */
  refreshAhead?: number | undefined;
  /** Time past its expiry for which a key may serve while the store is down, from 0 ms. Default 600_000; 0 turns it off. */
  staleIfError?: number | undefined;
  /** Longest pause between two reloads of one stage that were forced by a refusal, from 0 ms. Default 30_000. */
  reloadCooldown?: number | undefined;
  /** Time limit of one key load, retries included, from 1 ms. Default 5_000. */
  keyTimeout?: number | undefined;
  /** Time limit of a whole call: key, attempts and waits; from 1 ms. Default 10_000. A call may override it. */
  timeout?: number | undefined;
  /**
   * Runs the caller's function again on transient failures. Default of a `KeyedClient`: `false`; of a `GoldDataClient`:
   * `{ retries: 2, minTimeout: 100, maxTimeout: 2_000, factor: 2, randomize: true }`, which `true` stands for too.
   */
  retry?: RetryOptions | boolean | undefined;
  /** Returns whether an outcome means that the price API refused the key. Default: HTTP 401, wherever clients put the status. */
  isKeyRejected?: ((outcome: Outcome) => boolean | Promise<boolean>) | undefined;
  /** Returns whether `retry` applies to an outcome; a promise is refused. Default: 408, 425, 429, 500, 502, 503, 504 and socket or DNS codes. */
  isTransient?: ((outcome: Outcome) => boolean) | undefined;
  /**
   * Stops asking the price API with a key that it keeps refusing and the store still calls current: after `after` refused
   * calls in a row calls fail at once with a `KeyRejectedError`, but for one each `probeEvery` ms, which doubles up to
   * `probeMax` ms. A success, another key, a change notice, `reload()` or `evict()` ends it. `false`: never.
   */
  refusalGate?:
    | {
        /** Number of refused calls in a row, from 1. Default 20. */
        after?: number | undefined;
        /** Time in ms between two calls that are let through, at first; from 1. Default 1_000. */
        probeEvery?: number | undefined;
        /** Longest such time in ms, at least `probeEvery`. Default 30_000. */
        probeMax?: number | undefined;
      }
    | false
    | undefined;
  /** Identifier of this instance, which decides its canary bucket. Default: random per process. */
  instanceId?: string | undefined;
  /** Label in events, metrics and audit records; need not be unique. Default: `keyProvider.name`. */
  name?: string | undefined;
  /** Clock and timers. Default: the system's. */
  clock?: Clock | undefined;
}

/** Retries, with p-retry's option names. */
export interface RetryOptions {
  /** Number of runs after the first, an integer from 0. Default 2. */
  retries?: number | undefined;
  /** First wait, from 0 ms. Default 100. */
  minTimeout?: number | undefined;
  /** Longest wait in ms, at least `minTimeout`. Default 2_000. */
  maxTimeout?: number | undefined;
  /** Factor from 1 to 100 by which each wait grows. Default 2. */
  factor?: number | undefined;
  /** True multiplies each wait by a random factor from 1 to 2. Default true. */
  randomize?: boolean | undefined;
}

/** Outcome of the caller's function: it threw `error`, or returned `result` (a fetch `Response` with status 401 is a result). */
export interface Outcome {
  /** The value thrown; the property is absent if the function returned. */
  error?: unknown;
  /** The value returned. */
  result?: unknown;
}

/** Clock and timers. `manualClock()` of `goldkey/testing` is one that a test moves by hand. */
export interface Clock {
  /** Returns the wall-clock time in epoch ms. */
  now(): number;
  /** Returns a time in ms that never steps back. */
  monotonic(): number;
  /** Calls `callback` once after `ms`. With `unref` the timer does not keep the process alive. */
  setTimeout(
    callback: () => void,
    ms: number,
    options?: { unref?: boolean | undefined },
  ): {
    /** Ends the timer; nothing happens when it has run. */
    cancel(): void;
  };
}

/** Options of a single call. */
export interface CallOptions {
  /** Ends this call with `signal.reason`. A load that other calls wait for goes on. */
  signal?: AbortSignal | undefined;
  /** Time limit of this call, from 1 ms. Default: the client's `timeout`. */
  timeout?: number | undefined;
  /** True runs the function at most once: no retry, no repeat with another key (a stream body, a payment). Default false. */
  once?: boolean | undefined;
}

/** Status of a client. No field contains the key. */
export interface KeyStatus {
  /** The client's `name`. */
  name: string;
  /** State of the key: `suspect` while the store is asked about a refused key, `rejected` once it has no other. */
  state: 'empty' | 'fresh' | 'stale' | 'suspect' | 'rejected' | 'backing-off' | 'closed';
  /** True while a load is running. */
  loading: boolean;
  /** Version of the key held. */
  version?: string | undefined;
  /** Stage of the key held. */
  stage?: Stage | undefined;
  /** 8 hex digits, equal on every host that holds the same key. */
  fingerprint?: string | undefined;
  /** Creation of the key in epoch ms, if the store tells it. */
  createdAt?: number | undefined;
  /** Time of the load, in epoch ms. */
  loadedAt?: number | undefined;
  /** Expiry in epoch ms. */
  expiresAt?: number | undefined;
  /** Time in epoch ms at which the plaintext is zeroed at the latest. */
  purgeAt?: number | undefined;
  /** Time until the next load may start, in ms, while backing off or cooling down. */
  retryAfter?: number | undefined;
  /** Code of the last failed load, until one succeeds. */
  lastErrorCode?: GoldKeyErrorCode | undefined;
  /** Counts since the client (loads: the key cache) was created. */
  counts: {
    /** Calls started. */
    calls: number;
    /** Requests to the store. */
    loads: number;
    /** Loads that failed. */
    loadFailures: number;
    /** Runs that the price API refused. */
    rejections: number;
    /** Refused calls that went through with another key. */
    repairs: number;
    /** Runs repeated after a transient failure. */
    retries: number;
    /** Uses of a key past its expiry. */
    stale: number;
    /** Calls of `evict()`. */
    evictions: number;
  };
}

/** Pairs that KMS binds to a ciphertext. They are not secret, CloudTrail logs them, and decrypting needs exactly the same. */
export type EncryptionContext = Readonly<Record<string, string>>;

/** Encrypts and decrypts keys under one master key and one EncryptionContext, both pinned in code. */
export interface KeyCipher {
  /** Name of the cipher, e.g. `aws-kms`. */
  readonly name: string;
  /** The EncryptionContext of every key. */
  readonly encryptionContext: EncryptionContext;
  /** Returns whether a ciphertext that claims this cipher and key may be decrypted. A key alias leaves that to the store. */
  accepts(version: { cipher: string; keyId: string; encryptionContext: EncryptionContext }): boolean;
  /**
   * Encrypts a key, without a trailing newline. `bind` adds pairs to the EncryptionContext. Rejects with a
   * `KeyFormatError` a key that no client would accept: under 8 characters, or with white space, control or non-ASCII
   * characters.
   */
  encrypt(
    key: string | Uint8Array,
    options?: {
      bind?: EncryptionContext | undefined;
      /** Whether `key` is no API key but, e.g., a data key: 1 to 4,096 bytes of any kind, encrypted as given. Default false. */
      raw?: boolean | undefined;
      signal?: AbortSignal | undefined;
    },
  ): Promise<EncryptedKey>;
  /** Resolves to the plaintext, in an array that the caller zeroes. */
  decrypt(
    ciphertext: string | Uint8Array,
    options?: { bind?: EncryptionContext | undefined; signal?: AbortSignal | undefined },
  ): Promise<Uint8Array>;
  /** Closes the connection to the cipher's service. */
  close?(): Promise<void>;
}

/** An encrypted key as it is stored. No part of it is secret. */
export interface EncryptedKey {
  /** Ciphertext as text, safe in Git: base64 of AWS KMS, a JWE of a master key, `vault:v1:…` of Vault. */
  ciphertext: string;
  /** Identifier of the master key, an ARN for KMS. */
  keyId: string;
  /** The EncryptionContext it is bound to. */
  encryptionContext: EncryptionContext;
  /** 8 hex digits, equal for equal keys. */
  fingerprint: string;
  /** Creation in epoch ms. */
  createdAt: number;
}
