export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeout?: number | undefined;
  once?: boolean | undefined;
}

export declare class CallTimeoutError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
  protected static readonly retryable: boolean;
}

export declare class ClientClosedError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export interface Clock {
  now(): number;
  monotonic(): number;
  setTimeout(
    callback: () => void,
    ms: number,
    options?: {
      unref?: boolean | undefined;
    },
  ): {
    cancel(): void;
  };
}

export interface EncryptedKey {
  ciphertext: string;
  keyId: string;
  encryptionContext: EncryptionContext;
  fingerprint: string;
  createdAt: number;
}

export type EncryptionContext = Readonly<Record<string, string>>;

export declare class GoldDataClient<Quote, Query = string> extends KeyedClient {
  #private;
  constructor(options: GoldDataClientOptions<Quote, Query>);
  getPrice(
    ...args: string extends Query ? [query?: Query, options?: CallOptions] : [query: Query, options?: CallOptions]
  ): Promise<Quote>;
  getPrices(queries: readonly Query[], options?: CallOptions): Promise<Quote[]>;
}

export interface GoldDataClientOptions<Quote, Query = string> extends KeyedClientOptions {
  fetchPrice(query: Query, context: KeyContext): Promise<Quote>;
  fetchPrices?: ((queries: readonly Query[], context: KeyContext) => Promise<Quote[]>) | undefined;
}

export declare class GoldKeyError extends Error {
  static readonly code: GoldKeyErrorCode;
  protected static readonly retryable: boolean;
  readonly code: GoldKeyErrorCode;
  readonly retryable: boolean;
  readonly retryAfter?: number | undefined;
  readonly provider?: string | undefined;
  readonly version?: string | undefined;
  constructor(message: string, options?: GoldKeyErrorOptions);
}

export type GoldKeyErrorCode =
  | 'ERR_GOLDKEY_NOT_FOUND'
  | 'ERR_GOLDKEY_ACCESS_DENIED'
  | 'ERR_GOLDKEY_DECRYPT'
  | 'ERR_GOLDKEY_FORMAT'
  | 'ERR_GOLDKEY_PROVIDER'
  | 'ERR_GOLDKEY_KEY_TIMEOUT'
  | 'ERR_GOLDKEY_REJECTED'
  | 'ERR_GOLDKEY_TIMEOUT'
  | 'ERR_GOLDKEY_PRICE_API'
  | 'ERR_GOLDKEY_ROTATION'
  | 'ERR_GOLDKEY_RING_CONFLICT'
  | 'ERR_GOLDKEY_CLOSED'
  | 'ERR_GOLDKEY_MISSING_PACKAGE'
  | 'ERR_GOLDKEY_HELD'
  | 'ERR_GOLDKEY_SIGNATURE';

export interface GoldKeyErrorOptions {
  cause?: unknown;
  retryable?: boolean | undefined;
  retryAfter?: number | undefined;
  provider?: string | undefined;
  version?: string | undefined;
}

export declare class KeyAccessDeniedError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export interface KeyCipher {
  readonly name: string;
  readonly encryptionContext: EncryptionContext;
  accepts(version: { cipher: string; keyId: string; encryptionContext: EncryptionContext }): boolean;
  encrypt(
    key: string | Uint8Array,
    options?: {
      bind?: EncryptionContext | undefined;
      raw?: boolean | undefined;
      signal?: AbortSignal | undefined;
    },
  ): Promise<EncryptedKey>;
  decrypt(
    ciphertext: string | Uint8Array,
    options?: {
      bind?: EncryptionContext | undefined;
      signal?: AbortSignal | undefined;
    },
  ): Promise<Uint8Array>;
  close?(): Promise<void>;
}

export declare class KeyContext {
  #private;
  private constructor();
  get apiKey(): string;
  get bytes(): Uint8Array;
  get version(): string;
  get stage(): Stage;
  get attempt(): number;
  get signal(): AbortSignal;
}

export declare class KeyDecryptError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export interface KeyEventBase {
  name: string;
  provider: string;
  version?: string | undefined;
  stage?: Stage | undefined;
  at: number;
}

export interface KeyEvents {
  loaded: KeyEventBase & {
    duration: number;
    fingerprint: string;
    changed: boolean;
    keyId?: string | undefined;
    requestId?: string | undefined;
  };
  'load-failed': KeyEventBase & {
    duration: number;
    error: GoldKeyError;
    retryAfter: number;
  };
  stale: KeyEventBase & {
    age: number;
    count: number;
    error?: GoldKeyError | undefined;
  };
  evicted: KeyEventBase & {
    reason: string;
  };
  'key-rejected': KeyEventBase & {
    count: number;
  };
  'gate-closed': KeyEventBase & {
    refusals: number;
    retryAfter: number;
  };
  'gate-opened': KeyEventBase;
  repaired: KeyEventBase & {
    from: string;
  };
  retry: KeyEventBase & {
    attempt: number;
    delay: number;
  };
  trimmed: KeyEventBase;
  'rollout-changed': KeyEventBase & {
    pendingPercent: number;
  };
  'rollout-reverted': KeyEventBase & {
    rejections: number;
  };
  'break-glass': KeyEventBase & {
    severity: 'critical';
    until: number;
  };
  closed: KeyEventBase;
}

export declare class KeyFormatError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export declare class KeyNotFoundError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export interface KeyProvider {
  readonly name: string;
  readonly plaintextAtRest?: boolean | undefined;
  load(request: LoadRequest): Promise<LoadedKey | UnchangedKey | undefined>;
  rollout?(request: { signal: AbortSignal }): Promise<Rollout>;
  report?(refusal: { version: string; rejections: number }): Promise<void>;
  subscribe?(onChange: (change: { version?: string | undefined }) => void): Promise<() => Promise<void>>;
  close?(): Promise<void>;
}

export declare class KeyProviderError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
  protected static readonly retryable: boolean;
}

export declare class KeyRejectedError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export interface KeyStatus {
  name: string;
  state: 'empty' | 'fresh' | 'stale' | 'suspect' | 'rejected' | 'backing-off' | 'closed';
  loading: boolean;
  version?: string | undefined;
  stage?: Stage | undefined;
  fingerprint?: string | undefined;
  createdAt?: number | undefined;
  loadedAt?: number | undefined;
  expiresAt?: number | undefined;
  purgeAt?: number | undefined;
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

export declare class KeyTimeoutError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
  protected static readonly retryable: boolean;
}

export declare class KeyedClient implements AsyncDisposable {
  #private;
  constructor(options: KeyedClientOptions);
  withKey<T>(call: (context: KeyContext) => Promise<T>, options?: CallOptions): Promise<T>;
  withLiveKeys<T>(call: (keys: readonly LiveKey[]) => T | Promise<T>, options?: CallOptions): Promise<T>;
  prefetch(options?: { signal?: AbortSignal | undefined; maxJitter?: number | undefined }): Promise<void>;
  reload(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  evict(reason?: string): void;
  status(): KeyStatus;
  settled(): Promise<void>;
  redact<T>(value: T): T;
  on<E extends keyof KeyEvents>(event: E, listener: (payload: KeyEvents[E]) => void): () => void;
  close(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface KeyedClientOptions {
  keyProvider: KeyProvider;
  ttl?: number | undefined;
  ttlJitter?: number | undefined;
  refreshAhead?: number | undefined;
  staleIfError?: number | undefined;
  reloadCooldown?: number | undefined;
  keyTimeout?: number | undefined;
  timeout?: number | undefined;
  retry?: RetryOptions | boolean | undefined;
  isKeyRejected?: ((outcome: Outcome) => boolean | Promise<boolean>) | undefined;
  isTransient?: ((outcome: Outcome) => boolean) | undefined;
  refusalGate?:
    | {
        after?: number | undefined;
        probeEvery?: number | undefined;
        probeMax?: number | undefined;
      }
    | false
    | undefined;
  instanceId?: string | undefined;
  name?: string | undefined;
  clock?: Clock | undefined;
}

export interface LiveKey {
  readonly bytes: Uint8Array;
  readonly version: string;
  readonly stage: Stage;
}

export interface LoadRequest {
  stage: Stage;
  signal: AbortSignal;
  known?: readonly string[] | undefined;
}

export interface LoadedKey {
  bytes: Uint8Array;
  version: string;
  expiresAt?: number | undefined;
  createdAt?: number | undefined;
  until?: number | undefined;
  breakGlass?: boolean | undefined;
}

export declare class MissingPackageError extends GoldKeyError {
  static readonly code: GoldKeyErrorCode;
}

export interface Outcome {
  error?: unknown;
  result?: unknown;
}

export interface RetryOptions {
  retries?: number | undefined;
  minTimeout?: number | undefined;
  maxTimeout?: number | undefined;
  factor?: number | undefined;
  randomize?: boolean | undefined;
}

export interface Rollout {
  id: string;
  pendingPercent: number;
  previousUntil?: number | undefined;
}

export type Stage = 'current' | 'pending' | 'previous';

export interface UnchangedKey {
  unchanged: true;
  version: string;
  expiresAt?: number | undefined;
}

export declare function isGoldKeyError<C extends GoldKeyErrorCode = GoldKeyErrorCode>(
  error: unknown,
  code?: C,
): error is GoldKeyError & {
  readonly code: C;
};
