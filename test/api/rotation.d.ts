import type {
  Clock,
  EncryptionContext,
  GoldKeyError,
  GoldKeyErrorCode,
  GoldKeyErrorOptions,
  KeyCipher,
  KeyProvider,
} from 'goldkey';

export interface KeyRingDocument {
  format: 'goldkey/1';
  name: string;
  revision: number;
  id: string;
  writeId: string;
  current: string;
  previous?: string | undefined;
  rollout?: RingRollout | undefined;
  versions: Readonly<Record<string, RingVersion>>;
}

export interface KeyRingOptions extends RingAccess {
  pinnedVersion?: string | undefined;
  reportRejections?: boolean | undefined;
  reportUse?: boolean | undefined;
}

export declare class KeyRotationManager {
  #private;
  constructor(options: RotationOptions);
  init(
    key?: string | Uint8Array,
    options?: Pick<StageOptions, 'metadata' | 'signal'>,
  ): Promise<{
    version: string;
  }>;
  stage(
    key?: string | Uint8Array,
    options?: StageOptions,
  ): Promise<{
    version: string;
  }>;
  canary(percent: number, options?: StepOptions): Promise<void>;
  promote(options?: PromoteOptions): Promise<void>;
  retire(options?: RetireOptions): Promise<void>;
  revert(options?: StepOptions): Promise<void>;
  rotate(options?: RotateOptions): Promise<RotationStatus>;
  status(): Promise<RotationStatus>;
  isDue(options: { maxAge: number }): Promise<boolean>;
  schedule(options: ScheduleOptions): Promise<void>;
}

export interface KeyUse {
  instance: string;
  version: string;
  at: number;
}

export interface MintedKey {
  key: string | Uint8Array;
  metadata?: Record<string, string> | undefined;
}

export interface NotifyFailure extends RingChange {
  hook: number;
  error: unknown;
}

export interface PromoteOptions extends StepOptions {
  overlap?: number | undefined;
  cutover?: boolean | undefined;
}

export interface RetireOptions extends StepOptions {
  quiet?: number | undefined;
}

export interface RingAccess {
  ring: RingStore;
  name: string;
  cipher: KeyCipher | readonly KeyCipher[];
}

export interface RingChange {
  ring: string;
  step: string;
  version: string;
  revision: number;
}

export declare class RingConflictError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
  protected static readonly retryable: boolean;
}

export interface RingRollout {
  pending: string;
  id: string;
  percent: number;
  startedAt: string;
  revertedAt?: string | undefined;
}

export interface RingStore {
  readonly name: string;
  read(options?: { signal?: AbortSignal | undefined; forUpdate?: boolean | undefined }): Promise<
    | {
        ring: KeyRingDocument;
        token?: unknown;
      }
    | undefined
  >;
  write(
    ring: KeyRingDocument,
    expected: {
      revision: number;
      token?: unknown;
    },
    options?: {
      signal?: AbortSignal | undefined;
    },
  ): Promise<void>;
  subscribe?(onChange: () => void): Promise<() => Promise<void>>;
  reportUse?(report: KeyUse): Promise<void>;
  readUse?(options?: { signal?: AbortSignal | undefined }): Promise<readonly KeyUse[]>;
  lease?(
    holder: string,
    ttl: number,
  ): Promise<
    | {
        fence: number;
        release(): Promise<void>;
      }
    | undefined
  >;
  allowsOlderRevision?(): boolean;
  close?(): Promise<void>;
}

export interface RingVersion {
  state: VersionState;
  cipher: string;
  keyId: string;
  encryptionContext: EncryptionContext;
  fingerprint: string;
  createdAt: string;
  notAfter?: string | undefined;
  revertedAt?: string | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  rotationId?: string | undefined;
  ciphertext?: string | undefined;
}

export interface RotateOptions extends Pick<StepOptions, 'signal'> {
  canary?: readonly number[] | undefined;
  dwell?: number | undefined;
  overlap?: number | undefined;
  maxAge?: number | undefined;
}

export declare class RotationError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
  readonly step: string;
  constructor(
    message: string,
    options: GoldKeyErrorOptions & {
      step: string;
    },
  );
}

export interface RotationFailure {
  ring: string;
  error: unknown;
}

export interface RotationOptions extends RingAccess {
  probe?:
    | ((
        key: string,
        options: {
          signal: AbortSignal;
        },
      ) => Promise<void>)
    | undefined;
  generate?: ((options: { rotationId: string; signal: AbortSignal }) => Promise<MintedKey>) | undefined;
  notify?: ReadonlyArray<(change: RingChange) => Promise<void>> | undefined;
  clock?: Clock | undefined;
}

export interface RotationStatus {
  name: string;
  revision: number;
  current: string;
  pending?: string | undefined;
  previous?: string | undefined;
  percent: number;
  revertedAt?: number | undefined;
  previousUntil?: number | undefined;
  versions: Array<{
    version: string;
    state: VersionState;
    fingerprint: string;
    age: number;
    instances?: number | undefined;
    lastUsedAt?: number | undefined;
  }>;
  nextStep: string;
}

export interface ScheduleOptions extends RotateOptions {
  every: number;
  jitter?: number | undefined;
  maxAge: number;
  onError?: ((error: unknown) => void) | undefined;
  signal: AbortSignal;
}

export interface StageOptions extends StepOptions {
  metadata?: Record<string, string> | undefined;
}

export interface StepOptions {
  version?: string | undefined;
  revision?: number | undefined;
  force?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface UseReportFailure {
  ring: string;
  error: unknown;
}

export type VersionState = 'pending' | 'current' | 'previous' | 'retired' | 'rejected';

export declare function fileRing(path: string): RingStore;

export declare function fromKeyRing(options: KeyRingOptions): KeyProvider;

export declare function randomKey(bytes?: number): string;
