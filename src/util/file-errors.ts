import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyFormatError,
  KeyProviderError,
  readProperty,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../core/index.js';
import { parseErrorName } from './error-name.js';
import { isQuotablePath, quotePath, toFileCause } from './quote-path.js';

/** A file that failed a check, before it becomes one of the public errors. `detail` goes into the public message. */
export class FileCheckError extends Error {
  readonly code: 'ENOENT' | 'ELOOP' | 'NOT_REGULAR' | 'NOT_PRIVATE' | 'TOO_LARGE' | 'CHANGED';

  constructor(code: FileCheckError['code'], detail: string = '') {
    super(detail);
    this.code = code;
  }
}

/**
 * An error class, the message after the file's name, and options that differ from the class's defaults. A function gets the
 * failed check's detail, or the code, and the file's path, or `FILE` if it may not be shown.
 */
type FileErrorEntry = readonly [
  type: new (message: string, options: GoldKeyErrorOptions) => GoldKeyError,
  message: string | ((detail: string, path: string) => string),
  options?: { readonly retryable: boolean },
];

/** The errors of one kind of file. */
export interface FileErrors {
  readonly provider: string;
  /** The kind of file in messages, e.g. `key file`. */
  readonly kind: string;
  /** Entries by errno code or failed check that come before {@link COMMON}. `OTHER` stands for every other code. */
  readonly byCode: Readonly<Record<string, FileErrorEntry>>;
}

const COMMON: FileErrors['byCode'] = {
  EACCES: [
    KeyAccessDeniedError,
    (code) => `may not be used by this process (${code}); check its owner and mode, and those of its folders.`,
  ],
  NOT_REGULAR: [KeyAccessDeniedError, 'is not a regular file, and is not read.'],
  NOT_PRIVATE: [KeyAccessDeniedError, (detail) => detail],
  TOO_LARGE: [KeyFormatError, (detail) => `${detail}.`],
};
const OTHER: FileErrorEntry = [KeyProviderError, (code) => `could not be used (${code}).`];

/** Codes that need the same action as another one. */
const ALIASES: Readonly<Record<string, string>> = {
  ENOTDIR: 'ENOENT',
  EPERM: 'EACCES',
  EROFS: 'EACCES',
  EDQUOT: 'ENOSPC',
};

/** Returns the goldkey error for an error that came of using the file at `path`. A goldkey error is returned as it is. */
export function toFileError(path: string, error: unknown, { provider, kind, byCode }: FileErrors): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const code = readCode(error);
  const entries = { ...COMMON, ...byCode };
  const [Type, message, options] = entries[code] ?? entries[ALIASES[code] ?? 'OTHER'] ?? OTHER;
  const [detail, cause] =
    error instanceof FileCheckError ? [error.message, undefined] : [code, toFileCause(path, error)];
  const text = typeof message === 'string' ? message : message(detail, isQuotablePath(path, code) ? path : 'FILE');
  return new Type(`The ${kind} ${quotePath(path, code)} ${text}`, { ...options, provider, cause });
}

/** Returns whether `error` says that there is no file at a path. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(readCode(error));
}

function readCode(error: unknown): string {
  return parseErrorName(readProperty(error as object, 'code')) ?? 'unknown';
}
