import type { Clock, EncryptionContext, KeyCipher } from '../../core/index.js';

/**
 * Where a version stands: `pending` (staged, or being minted), `current`, `previous` (replaced, kept for as long as the
 * overlap runs), `retired` (its ciphertext is gone) or `rejected` (never to be used).
 */
export type VersionState = 'pending' | 'current' | 'previous' | 'retired' | 'rejected';

/** One key of a ring, without its plaintext. Fields not known here survive a write. */
export interface RingVersion {
  state: VersionState;
  /** The cipher's name, e.g. `aws-kms`. */
  cipher: string;
  /** The master key, as the cipher named it; empty while the key is being minted. */
  keyId: string;
  /** What the ciphertext is bound to, `goldkey:ring` included. */
  encryptionContext: EncryptionContext;
  /** The key's fingerprint, checked after every decryption; empty while the key is being minted. */
  fingerprint: string;
  /** ISO 8601, UTC. Readers ignore it. */
  createdAt: string;
  /** ISO 8601, UTC: from then on `retire` may remove it. It ends nothing by itself. */
  notAfter?: string | undefined;
  /** ISO 8601, UTC: when `revert` took this version out of use. */
  revertedAt?: string | undefined;
  /** The caller's notes. Refused when they hold the key in any encoding. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Written before a key is minted, so that a crash in between is resumed with the same id. */
  rotationId?: string | undefined;
  /** base64. Absent while minting and once retired. */
  ciphertext?: string | undefined;
}

/** The share of clients that try the staged key. */
export interface RingRollout {
  /** The version on trial. */
  pending: string;
  /** Changes when another canary starts: who gave up on the last one takes part again. */
  id: string;
  /** From 0 to 100. */
  percent: number;
  /** ISO 8601, UTC: since when this percentage holds. */
  startedAt: string;
  /** ISO 8601, UTC: a client gave up on the key and said so. Nobody uses it from then on. */
  revertedAt?: string | undefined;
}

/**
 * A key ring: JSON without plaintext, safe in Git. Fields not known here survive a write, in the ring, its rollout and
 * its versions alike.
 */
export interface KeyRingDocument {
  format: 'goldkey/1';
  /** Bound into every version's EncryptionContext as `goldkey:ring`. */
  name: string;
  /** 1 for the first write, and one more with each. */
  revision: number;
  /** Random per write: tells our own write, whose answer was lost, from another's. */
  writeId: string;
  /** The version in use. */
  current: string;
  /** The one before, still honoured by the price API. */
  previous?: string | undefined;
  rollout?: RingRollout | undefined;
  /** By name: `v1`, `v2` … are never used twice. */
  versions: Readonly<Record<string, RingVersion>>;
}

/** Where a ring is kept: compare-and-swap on `revision`. */
export interface RingStore {
  /** Names the store in errors, e.g. `redis`. */
  readonly name: string;
  /** Strongly consistent. `token` is the store's own version (a Vault `cas` number), handed back to `write`. */
  read(options?: { signal?: AbortSignal | undefined }): Promise<{ ring: KeyRingDocument; token?: unknown } | undefined>;
  /** Writes when the stored revision is `expected.revision` (0: there is none); else `RingConflictError`. */
  write(
    ring: KeyRingDocument,
    expected: { revision: number; token?: unknown },
    options?: { signal?: AbortSignal | undefined },
  ): Promise<void>;
  /** At most once delivery is enough: every (re)connection counts as a change, and TTL polling stays. */
  subscribe?(onChange: () => void): Promise<() => Promise<void>>;
  /**
   * One holder at a time, for `ttl` ms, beside the ring; `undefined` while another holds it. The fencing number grows
   * with every new holder.
   */
  lease?(holder: string, ttl: number): Promise<{ fence: number; release(): Promise<void> } | undefined>;
  /** Releases connections. A store used again after it connects again. */
  close?(): Promise<void>;
}

/** Options of `fromKeyRing`. */
export interface KeyRingOptions {
  /** Where the ring is. */
  ring: RingStore;
  /** The ring's name; bound into every version's EncryptionContext, so that no other ring's ciphertext can be slipped in. */
  name: string;
  /** The only keys and EncryptionContexts accepted; several while moving from one to another. */
  cipher: KeyCipher | readonly KeyCipher[];
  /** Serves this version in the place of `current`, whatever the ring says. Empty is unset. */
  pinnedVersion?: string | undefined;
  /** Lets a client that gave up on the canary record it in the ring (it then needs write access). Default false. */
  reportRejections?: boolean | undefined;
}

/** What a `notify` hook is told. */
export interface RingChange {
  /** The ring's name. */
  ring: string;
  /** The step that was taken, e.g. `promote`. */
  step: string;
  /** The version it was about. */
  version: string;
  /** The ring's revision after it. */
  revision: number;
}

/** A key that was minted. */
export interface MintedKey {
  key: string | Uint8Array;
  metadata?: Record<string, string> | undefined;
}

/** Options of `KeyRotationManager`. */
export interface RotationOptions {
  /** Where the ring is. */
  ring: RingStore;
  /** The ring's name. */
  name: string;
  /** What encrypts: the first; the others still decrypt. */
  cipher: KeyCipher | readonly KeyCipher[];
  /** Tries a key against the price API; throws to refuse it. */
  probe?: ((key: string, options: { signal: AbortSignal }) => Promise<void>) | undefined;
  /** Mints a key, or returns the one already minted for this `rotationId`. */
  generate?: ((options: { rotationId: string; signal: AbortSignal }) => Promise<MintedKey>) | undefined;
  /** After every write, at least once, also when a step is run again; failures are reported, and never undo. */
  notify?: ReadonlyArray<(change: RingChange) => Promise<void>> | undefined;
  /** Default: the system's. */
  clock?: Clock | undefined;
}

/** What a step was decided on, and how far it may go. */
export interface StepOptions {
  /** The version the step is meant for; another one there is a `RotationError`. */
  version?: string | undefined;
  /** The revision the step was decided on; another one there is a `RingConflictError`. */
  revision?: number | undefined;
  /** Takes the step although it is refused (see each step). Default false. */
  force?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** Options of `rotate`; all times in ms. */
export interface RotateOptions {
  /** The percentages of the canary, each held for `dwell`. Default [10, 50]; empty promotes at once. */
  canary?: readonly number[] | undefined;
  /** How long each percentage is held. Default 3_600_000 (an hour). */
  dwell?: number | undefined;
  /** How long the old key is kept after the promotion. Default 86_400_000 (a day). */
  overlap?: number | undefined;
  /** The age from which a new key is due. Default 7_776_000_000 (90 days). */
  maxAge?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Where a rotation stands. */
export interface RotationStatus {
  name: string;
  revision: number;
  current: string;
  pending?: string | undefined;
  previous?: string | undefined;
  /** The canary's share, 0 without one. */
  percent: number;
  /** Epoch ms: a client gave up on the pending key. */
  revertedAt?: number | undefined;
  /** Epoch ms: when the overlap ends and `previous` may be retired. */
  previousUntil?: number | undefined;
  /** In the order in which they were made; `age` in ms. */
  versions: Array<{ version: string; state: VersionState; fingerprint: string; age: number }>;
  /** What is to be done next, in words. */
  nextStep: string;
}
