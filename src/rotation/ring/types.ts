import type { Clock, EncryptionContext, KeyCipher, KeyUse } from '../../core/index.js';

/**
 * The state of a version: `pending` (staged or being minted), `current`, `previous` (replaced, kept for the overlap),
 * `retired` (without ciphertext) or `rejected` (never to be used).
 */
export type VersionState = 'pending' | 'current' | 'previous' | 'retired' | 'rejected';

/** One key of a ring, without its plaintext. Unknown fields survive a write. */
export interface RingVersion {
  /** The state; exactly the versions that the ring names are `current`, `previous` or on trial. */
  state: VersionState;
  /** The cipher's name, e.g. `aws-kms`. */
  cipher: string;
  /** The master key's id, as the cipher returned it. Empty while the key is being minted. */
  keyId: string;
  /** The pairs that the ciphertext is bound to, `goldkey:ring` included. */
  encryptionContext: EncryptionContext;
  /** The key's fingerprint, 8 hex digits, checked after every decryption. Empty while the key is being minted. */
  fingerprint: string;
  /** ISO 8601, UTC. Readers ignore it. */
  createdAt: string;
  /** ISO 8601, UTC: the time from which `retire` may remove the key. Nothing expires at that time. */
  notAfter?: string | undefined;
  /** ISO 8601, UTC: the time at which `revert` took this version out of use. */
  revertedAt?: string | undefined;
  /** The caller's notes. Rejected if they hold the key in any encoding. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** The id given to `generate`, stored before the key is minted, so that a run after a crash uses the same id. */
  rotationId?: string | undefined;
  /** The text that the cipher returned. Absent while the key is being minted and once it is retired. */
  ciphertext?: string | undefined;
}

/** The share of clients that use the staged key. */
export interface RingRollout {
  /** The staged version. */
  pending: string;
  /** An id that changes with every new canary: clients that gave up on the last one take part again. */
  id: string;
  /** The share of clients, from 0 to 100. */
  percent: number;
  /** ISO 8601, UTC: the time since which `percent` holds. */
  startedAt: string;
  /** ISO 8601, UTC: the time at which a client reported that it gave up on the key. No client uses it from then on. */
  revertedAt?: string | undefined;
}

/**
 * A key ring: JSON without plaintext, safe in Git. Unknown fields of the ring, its rollout and its versions survive a
 * write.
 */
export interface KeyRingDocument {
  /** The format; a reader refuses any other. */
  format: 'goldkey/1';
  /**
   * The ring's name, which is bound into every version's EncryptionContext as `goldkey:ring`. It must be unique per master key
   * and EncryptionContext: to a reader, rings of one name are one ring.
   */
  name: string;
  /** The number of writes so far, from 1. */
  revision: number;
  /**
   * A random id that `init` makes and every step keeps: it tells a ring that was made anew from an old copy. A ring of goldkey
   * 0.1.0 has none until its next step.
   */
  id: string;
  /** A random id for each write: it identifies a write whose answer was lost. */
  writeId: string;
  /** The version in use. */
  current: string;
  /** The version before it, which the price API still accepts. */
  previous?: string | undefined;
  /** The staged version and its canary. */
  rollout?: RingRollout | undefined;
  /**
   * The versions by name. A name (`v1`, `v2` …) is never used twice. A step folds away retired and rejected versions, except
   * the last 20.
   */
  versions: Readonly<Record<string, RingVersion>>;
}

/**
 * A place that keeps a ring and replaces it by compare-and-swap on `revision`.
 *
 * @example
 * ```ts
 * import { RingConflictError, type KeyRingDocument, type RingStore } from 'goldkey/rotation';
 *
 * let stored: KeyRingDocument | undefined;
 * const memoryRing: RingStore = {
 *   name: 'memory',
 *   read: async () => stored && { ring: structuredClone(stored) },
 *   async write(ring, { revision }) {
 *     if ((stored?.revision ?? 0) !== revision) throw new RingConflictError('The ring has changed.');
 *     stored = structuredClone(ring);
 *   },
 * };
 * ```
 */
export interface RingStore {
  /** The store's name in errors, e.g. `redis`. */
  readonly name: string;
  /**
   * Reads the ring, strongly consistent. Resolves to `undefined` if there is none. `forUpdate` is true if a write shall
   * follow: then the error for what stands in the ring's place is final, while for a reader it is retryable. Default false.
   */
  read(options?: { signal?: AbortSignal | undefined; forUpdate?: boolean | undefined }): Promise<
    | {
        /** The ring. */
        ring: KeyRingDocument;
        /** The store's own version, e.g. a Vault `cas` number, which `write` gets back. */
        token?: unknown;
      }
    | undefined
  >;
  /**
   * Writes the ring if the stored revision is `expected.revision` (0: there is no ring).
   *
   * @throws {RingConflictError} `ERR_GOLDKEY_RING_CONFLICT`: the stored revision is another one
   */
  write(
    ring: KeyRingDocument,
    expected: { revision: number; token?: unknown },
    options?: { signal?: AbortSignal | undefined },
  ): Promise<void>;
  /**
   * Calls `onChange` after changes and after every (re)connection. A notice may be lost: clients still reload after
   * their `ttl`. Resolves to the unsubscribe function.
   */
  subscribe?(onChange: () => void): Promise<() => Promise<void>>;
  /** Writes a report of {@link KeyRingOptions.reportUse} beside the ring, never in it, in place of the instance's last one. */
  reportUse?(report: KeyUse): Promise<void>;
  /** Reads the last report of each instance. Reports older than a day may be missing. */
  readUse?(options?: { signal?: AbortSignal | undefined }): Promise<readonly KeyUse[]>;
  /**
   * Takes the lease beside the ring, which has one holder at a time, for `ttl` ms. Resolves to `undefined` while
   * another holder has it.
   */
  lease?(
    holder: string,
    ttl: number,
  ): Promise<
    | {
        /** Fencing number, which grows with every new holder. */
        fence: number;
        /** Gives the lease back. */
        release(): Promise<void>;
      }
    | undefined
  >;
  /**
   * Returns whether an older revision may be put back on purpose, as with a file under Git. Default false: a reader
   * takes a revision lower than one that it has read for an outdated copy, and fails.
   */
  allowsOlderRevision?(): boolean;
  /** Releases connections. A store that is used again connects again. */
  close?(): Promise<void>;
}

/** The options that `fromKeyRing` and `KeyRotationManager` share. */
export interface RingAccess {
  /** The ring's store. */
  ring: RingStore;
  /**
   * The ring's name: 1 to 128 letters, digits, dots, dashes, underscores or slashes. It is bound into every version's
   * EncryptionContext, so that another ring's ciphertext is refused. It must be unique per master key and EncryptionContext:
   * rings of one name under one `cipher` are one ring to a reader.
   */
  name: string;
  /**
   * The only master keys and EncryptionContexts that are accepted; several while moving from one to another. A manager
   * encrypts with the first.
   */
  cipher: KeyCipher | readonly KeyCipher[];
}

/** Options of `fromKeyRing`. */
export interface KeyRingOptions extends RingAccess {
  /** The version that is served in place of `current`, whatever the ring names. An empty string counts as unset. */
  pinnedVersion?: string | undefined;
  /** Whether a client that gave up on the canary records it in the ring, which needs write access. Default false. */
  reportRejections?: boolean | undefined;
  /**
   * Whether a client writes, at most once a minute, which version last worked for it, so that the old key is retired on
   * evidence. It needs write access beside the ring. A report that fails goes to the diagnostics channel
   * `goldkey:use-report-failed`, or without a subscriber to a process warning, and fails no call. Default false.
   */
  reportUse?: boolean | undefined;
}

/** The change that a `notify` hook is called with. */
export interface RingChange {
  /** The ring's name. */
  ring: string;
  /** The step, e.g. `promote`. */
  step: string;
  /** The version that the step changed. */
  version: string;
  /** The ring's revision after the step. */
  revision: number;
}

/** The result of `generate`. */
export interface MintedKey {
  /** The key: printable ASCII, at least 8 characters. */
  key: string | Uint8Array;
  /** Notes for the version, added to the step's own. Rejected if they hold the key in any encoding. */
  metadata?: Record<string, string> | undefined;
}

/** Options of `KeyRotationManager`. */
export interface RotationOptions extends RingAccess {
  /** Tries a key against the price API. Throws if the API refuses it. Default: keys are not tried. */
  probe?: ((key: string, options: { signal: AbortSignal }) => Promise<void>) | undefined;
  /**
   * Mints a key, or returns the one that was already minted for this `rotationId`. It is called once `cipher` was seen to work;
   * a key that could not be stored is kept in memory for the next run of the step. Default: steps need a key.
   */
  generate?: ((options: { rotationId: string; signal: AbortSignal }) => Promise<MintedKey>) | undefined;
  /**
   * Hooks that are called after every write, at least once, and again when a step is run again. A failed hook is
   * reported on the diagnostics channel `goldkey:notify-failed` and undoes nothing.
   */
  notify?: ReadonlyArray<(change: RingChange) => Promise<void>> | undefined;
  /** The clock for times and timers. Default: the system's. */
  clock?: Clock | undefined;
}

/** Options of every step: what it was decided on, and whether it may go further than usual. */
export interface StepOptions {
  /** The version that the step is meant for. If the step would change another one, it is a `RotationError`. */
  version?: string | undefined;
  /** The revision that the step was decided on. If the ring has another one, it is a `RingConflictError`. */
  revision?: number | undefined;
  /**
   * Whether the step is taken although it would be refused (see each step), or although a version was made more than 5 minutes
   * ahead of this clock, which is then a process warning. Default false.
   */
  force?: boolean | undefined;
  /** Aborts the step. A write that is under way may still happen. */
  signal?: AbortSignal | undefined;
}

/** Options of `stage`. */
export interface StageOptions extends StepOptions {
  /** Notes for the version, kept in plain text. Rejected if they hold the key in any encoding. Default none. */
  metadata?: Record<string, string> | undefined;
}

/** Options of `promote`. */
export interface PromoteOptions extends StepOptions {
  /** How long the old key is kept, in ms, at least 1. Default 86_400_000 (a day). Not together with `cutover`. */
  overlap?: number | undefined;
  /** Whether the old key stopped working when the new one was made, so that there is no overlap. Default false. */
  cutover?: boolean | undefined;
}

/** Options of `retire`. */
export interface RetireOptions extends StepOptions {
  /**
   * How long no client may have reported a use of the previous key, in ms, from 0. Reports are kept for a day. Default 600_000
   * (10 minutes).
   */
  quiet?: number | undefined;
}

/** Options of `rotate`. All times are integer milliseconds. */
export interface RotateOptions extends Pick<StepOptions, 'signal'> {
  /** The canary's shares in percent, each held for `dwell`. Default [10, 50]; with [] the key is promoted at once. */
  canary?: readonly number[] | undefined;
  /** How long each share is held, from 0. Default 3_600_000 (an hour). */
  dwell?: number | undefined;
  /** How long the old key is kept after the promotion, at least 1. Default 86_400_000 (a day). */
  overlap?: number | undefined;
  /** The age of the current key from which a new one is due, at least 1. Default 7_776_000_000 (90 days). */
  maxAge?: number | undefined;
}

/** The state of a rotation. */
export interface RotationStatus {
  /** The ring's name. */
  name: string;
  /** The ring's revision. */
  revision: number;
  /** The version in use. */
  current: string;
  /** The version that is staged or being minted. */
  pending?: string | undefined;
  /** The version before `current`, until it is retired. */
  previous?: string | undefined;
  /** The canary's share of clients, from 0 to 100; 0 without a canary. */
  percent: number;
  /** Epoch ms: the time at which a client reported that it gave up on the pending key. */
  revertedAt?: number | undefined;
  /** Epoch ms: the time at which the overlap ends and `previous` may be retired. */
  previousUntil?: number | undefined;
  /** All versions in the order in which they were made. */
  versions: Array<{
    /** The version's name. */
    version: string;
    /** Its place in the rotation. */
    state: VersionState;
    /** 8 hex digits, equal on every host that holds the same key. */
    fingerprint: string;
    /** Time since it was made, in ms; `Infinity` if `createdAt` is not a time. */
    age: number;
    /** Number of instances whose last report of the last day names the version; absent if the store keeps no reports. */
    instances?: number | undefined;
    /** Time of the latest such report, in epoch ms. */
    lastUsedAt?: number | undefined;
  }>;
  /** The step to take next and its reason, as a sentence: `wait: v1 is kept until …`. */
  nextStep: string;
}
