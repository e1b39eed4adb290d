const BRAND = Symbol.for('goldkey.error');

/** Every code a goldkey error can carry: switch on it. */
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
  | 'ERR_GOLDKEY_MISSING_PACKAGE';

/** What a goldkey error is made of beside its message. */
export interface GoldKeyErrorOptions {
  /** The error underneath. */
  cause?: unknown;
  /** Whether the fault may pass by itself; each class has its own default. */
  retryable?: boolean | undefined;
  /** Milliseconds from now until it makes sense to try again. */
  retryAfter?: number | undefined;
  /** The key store's name. */
  provider?: string | undefined;
  /** The key's version. */
  version?: string | undefined;
}

/**
 * The root of every error that goldkey itself raises. What the caller's own function throws is never wrapped in one:
 * it leaves as the same object, with the key removed. Bad options are plain `TypeError`s and `RangeError`s with
 * `code: 'ERR_INVALID_ARG_VALUE'`.
 *
 * @example
 * ```ts
 * import { isGoldKeyError } from 'goldkey';
 *
 * try {
 *   await gold.getPrice('XAU');
 * } catch (error) {
 *   if (isGoldKeyError(error) && error.retryable) console.warn(`try again in ${error.retryAfter ?? 1000} ms`);
 *   else throw error;
 * }
 * ```
 */
export class GoldKeyError extends Error {
  /** The code of every instance of this class. */
  static readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_PROVIDER';
  /** What `retryable` is when the raiser does not say. */
  protected static readonly retryable: boolean = false;

  /** Which decision this error asks of the caller. */
  readonly code: GoldKeyErrorCode;
  /** True: the fault may pass, a stale key may serve. False: the cached key is dropped. */
  readonly retryable: boolean;
  /** Milliseconds from now until it makes sense to try again. */
  declare readonly retryAfter?: number | undefined;
  /** The key store that was asked. */
  declare readonly provider?: string | undefined;
  /** The version of the key this is about. */
  declare readonly version?: string | undefined;

  constructor(message: string, options: GoldKeyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = new.target.code;
    this.retryable = options.retryable ?? new.target.retryable;
    if (options.retryAfter !== undefined) this.retryAfter = options.retryAfter;
    if (options.provider !== undefined) this.provider = options.provider;
    if (options.version !== undefined) this.version = options.version;
  }
}

/** The store has no such key, or no ciphertext was given: fix the configuration. */
export class KeyNotFoundError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_NOT_FOUND';
}

/** The store knows the caller and refuses: fix IAM, the key policy, or the file's mode. */
export class KeyAccessDeniedError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_ACCESS_DENIED';
}

/** The ciphertext does not open: wrong master key, wrong EncryptionContext, or a damaged ciphertext. */
export class KeyDecryptError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_DECRYPT';
}

/** The key or the ciphertext is malformed; the message says where, never what. */
export class KeyFormatError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_FORMAT';
}

/** The store failed, or the credentials for it did. Retryable unless the store says otherwise. */
export class KeyProviderError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_PROVIDER';
  protected static override readonly retryable: boolean = true;
}

/** The store did not answer within `keyTimeout`. */
export class KeyTimeoutError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_KEY_TIMEOUT';
  protected static override readonly retryable: boolean = true;
}

/** The price API refuses every key that is live: rotate the key or look at the account. */
export class KeyRejectedError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_REJECTED';
}

/** The whole call outran its `timeout`. */
export class CallTimeoutError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_TIMEOUT';
  protected static override readonly retryable: boolean = true;
}

/** The client was used after `close()`. */
export class ClientClosedError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_CLOSED';
}

/** An optional package is not installed; the message holds the install line. */
export class MissingPackageError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_MISSING_PACKAGE';
}

for (const [name, type] of Object.entries({
  GoldKeyError,
  KeyNotFoundError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyFormatError,
  KeyProviderError,
  KeyTimeoutError,
  KeyRejectedError,
  CallTimeoutError,
  ClientClosedError,
  MissingPackageError,
})) {
  // On the prototype, so that minified names do not leak into messages and instances stay small.
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
}
Object.defineProperty(GoldKeyError.prototype, BRAND, { value: true });

/**
 * Whether `error` is goldkey's, also when it comes from another copy of the package, and of `code` when one is given.
 *
 * @param error - anything that was caught
 * @param code - one of {@link GoldKeyErrorCode}; absent, any code will do
 * @returns true for a goldkey error
 *
 * @example
 * ```ts
 * import { isGoldKeyError } from 'goldkey';
 *
 * if (isGoldKeyError(error, 'ERR_GOLDKEY_REJECTED')) await alertOperator('rotate the key');
 * ```
 */
export function isGoldKeyError<C extends GoldKeyErrorCode = GoldKeyErrorCode>(
  error: unknown,
  code?: C,
): error is GoldKeyError & { readonly code: C } {
  if (typeof error !== 'object' || error === null) return false;
  const candidate = error as { readonly code?: unknown; readonly [BRAND]?: unknown };
  try {
    return candidate[BRAND] === true && (code === undefined || candidate.code === code);
  } catch {
    // A proxy that lets nobody look is not ours.
    return false;
  }
}

/** The answer to whoever uses a client that has closed. */
export function closedError(): ClientClosedError {
  return new ClientClosedError('The client has been closed; make a new one.');
}

/** The same error as a new one, for another caller or about another thing: the first is its `cause`. */
export function copyError(error: GoldKeyError, changes: Omit<GoldKeyErrorOptions, 'cause'>): GoldKeyError {
  const { message, code, retryable, retryAfter, provider, version } = error;
  // By its code: a subclass of somebody else's has a constructor of its own.
  const Again = BY_CODE[code] ?? KeyProviderError;
  return new Again(message, { cause: error, retryable, retryAfter, provider, version, ...changes });
}

const BY_CODE: Partial<Record<GoldKeyErrorCode, typeof GoldKeyError>> = {
  ERR_GOLDKEY_NOT_FOUND: KeyNotFoundError,
  ERR_GOLDKEY_ACCESS_DENIED: KeyAccessDeniedError,
  ERR_GOLDKEY_DECRYPT: KeyDecryptError,
  ERR_GOLDKEY_FORMAT: KeyFormatError,
  ERR_GOLDKEY_KEY_TIMEOUT: KeyTimeoutError,
  ERR_GOLDKEY_MISSING_PACKAGE: MissingPackageError,
};
