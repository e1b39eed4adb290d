const BRAND = Symbol.for('goldkey.error');

/** Prototypes of goldkey's own classes of errors, which hold nothing but what stands in its sources. */
const ownPrototypes = new WeakSet<object>();

/** Code of a goldkey error, to switch on. */
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

/** Fields of a goldkey error beside its message. */
export interface GoldKeyErrorOptions {
  /** The error that caused this one. */
  cause?: unknown;
  /** True if the failure may pass by itself. The default depends on the class. */
  retryable?: boolean | undefined;
  /** Time in ms from now before which another try is pointless. */
  retryAfter?: number | undefined;
  /** The key store's name. */
  provider?: string | undefined;
  /** The key's version. */
  version?: string | undefined;
}

/**
 * Base class of every error that goldkey raises. An error of the caller's own function is not wrapped in one: it leaves as
 * the same object, with the key removed. Invalid options are `TypeError`s and `RangeError`s with
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
  /** Default of `retryable`. */
  protected static readonly retryable: boolean = false;

  /** Code that tells the caller what to decide. */
  readonly code: GoldKeyErrorCode;
  /** True: the failure may pass, and a stale key may serve. False: the cached key is dropped. */
  readonly retryable: boolean;
  /** Time in ms from now before which another try is pointless. */
  declare readonly retryAfter?: number | undefined;
  /** Name of the key store that was asked. */
  declare readonly provider?: string | undefined;
  /** Version of the key concerned. */
  declare readonly version?: string | undefined;

  /**
   * Creates an error of this class, as a key store of your own does.
   *
   * @param message - one sentence: what happened and what to do; never the key
   * @param options - `cause`, `retryable`, `retryAfter` (ms), `provider`, `version`
   */
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

/** The store denies access: fix IAM, the key policy, or the file's mode. */
export class KeyAccessDeniedError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_ACCESS_DENIED';
}

/** The ciphertext cannot be decrypted: wrong master key, wrong EncryptionContext, or a damaged ciphertext. */
export class KeyDecryptError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_DECRYPT';
}

/** The key or the ciphertext is malformed. The message names the position, never the value. */
export class KeyFormatError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_FORMAT';
}

/** The store or its credentials failed. Retryable unless the provider says otherwise. */
export class KeyProviderError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_PROVIDER';
  protected static override readonly retryable: boolean = true;
}

/** The store did not answer within `keyTimeout`. */
export class KeyTimeoutError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_KEY_TIMEOUT';
  protected static override readonly retryable: boolean = true;
}

/** The price API refuses every live key: rotate the key, or check the account. */
export class KeyRejectedError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_REJECTED';
}

/** The whole call took longer than its `timeout`. */
export class CallTimeoutError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_TIMEOUT';
  protected static override readonly retryable: boolean = true;
}

/** The client was used after `close()`. */
export class ClientClosedError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_CLOSED';
}

/** An optional package is not installed. The message holds the install command. */
export class MissingPackageError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_MISSING_PACKAGE';
}

/** Names a class of errors. On the prototype, so that no bundler's renamed class is printed and instances stay small. */
export function nameErrorClass({ prototype }: { readonly prototype: GoldKeyError }, name: string): void {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
  ownPrototypes.add(prototype);
}

/** Returns whether an object is the prototype of one of goldkey's own classes of errors. */
export function isOwnErrorPrototype(proto: object): boolean {
  return ownPrototypes.has(proto);
}

/** Returns whether an error is of one of goldkey's own classes, with the code of that class. */
export function hasOwnCode(error: object): boolean {
  const proto = Object.getPrototypeOf(error) as GoldKeyError | null;
  if (proto === null || !ownPrototypes.has(proto)) return false;
  return (error as GoldKeyError).code === (proto.constructor as typeof GoldKeyError).code;
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
  nameErrorClass(type, name);
}
Object.defineProperty(GoldKeyError.prototype, BRAND, { value: true });

/**
 * Returns whether `error` is a goldkey error, and of `code` if one is given. Works across copies of the package.
 *
 * @param error - any caught value
 * @param code - one of {@link GoldKeyErrorCode}; default: any
 * @typeParam C - the code that was asked for
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
): error is GoldKeyError & {
  /** The code, as it was asked for. */
  readonly code: C;
} {
  if (typeof error !== 'object' || error === null) return false;
  const candidate = error as { readonly code?: unknown; readonly [BRAND]?: unknown };
  try {
    return candidate[BRAND] === true && (code === undefined || candidate.code === code);
  } catch {
    // A proxy whose traps throw is not a goldkey error.
    return false;
  }
}

/** Creates the error for the use of a closed client. */
export function closedError(): ClientClosedError {
  return new ClientClosedError('The client has been closed; make a new one.');
}

/** Creates an error like `error` with `changes`, for another caller. The first one is its `cause`. */
export function copyError(
  error: GoldKeyError,
  { message = error.message, ...changes }: Omit<GoldKeyErrorOptions, 'cause'> & { message?: string },
): GoldKeyError {
  const { code, retryable, retryAfter, provider, version } = error;
  // Looked up by code, because a third-party subclass may have another constructor.
  const ErrorClass = BY_CODE[code] ?? KeyProviderError;
  return new ErrorClass(message, { cause: error, retryable, retryAfter, provider, version, ...changes });
}

const BY_CODE: Partial<Record<GoldKeyErrorCode, typeof GoldKeyError>> = {
  ERR_GOLDKEY_NOT_FOUND: KeyNotFoundError,
  ERR_GOLDKEY_ACCESS_DENIED: KeyAccessDeniedError,
  ERR_GOLDKEY_DECRYPT: KeyDecryptError,
  ERR_GOLDKEY_FORMAT: KeyFormatError,
  ERR_GOLDKEY_KEY_TIMEOUT: KeyTimeoutError,
  ERR_GOLDKEY_MISSING_PACKAGE: MissingPackageError,
};
