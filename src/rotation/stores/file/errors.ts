import { KeyAccessDeniedError, KeyProviderError } from '../../../core/index.js';
import { toFileError, type FileErrors } from '../../../util/file-errors.js';
import { quotePath } from '../../../util/quote-path.js';

/** The name of the store in errors and events. */
export const FILE = 'file';

/** The errors of a ring that cannot be written, or read for a write. */
const RING_FILE: FileErrors = {
  provider: FILE,
  kind: 'key ring',
  byCode: {
    EACCES: [
      KeyAccessDeniedError,
      (code) =>
        `may not be used by this process (${code}); check its owner and mode, and those of its folder: a write creates files beside it.`,
    ],
    ENOENT: [KeyProviderError, 'has no folder; create it first.'],
    ENOSPC: [KeyProviderError, (code) => `could not be written, because no space is left (${code}); it is unchanged.`],
    NOT_REGULAR: [
      KeyProviderError,
      'is not a regular file, as where a mount is missing; put the file in its place.',
      { retryable: false },
    ],
    ELOOP: [
      KeyProviderError,
      'is a link that leads to itself (ELOOP); put the file in its place.',
      { retryable: false },
    ],
    TOO_LARGE: [KeyProviderError, (detail) => `${detail}.`, { retryable: false }],
    OTHER: [KeyProviderError, (code) => `could not be used (${code}); it is unchanged.`],
  },
};

/** For a reader whatever stands in a ring's place is transient: the key in use stays in use meanwhile. */
const READ_RING_FILE: FileErrors = {
  ...RING_FILE,
  byCode: Object.fromEntries(
    Object.entries(RING_FILE.byCode).map(([code, [type, message]]) => [code, [type, message, { retryable: true }]]),
  ),
};

/**
 * Returns the goldkey error for an error that came of using a key ring, which is transient if the ring was only read. An
 * `AbortError` is returned as it is.
 */
export function toRingFileError(path: string, error: unknown, forUpdate: boolean): unknown {
  const isAbort = (error as Partial<Error> | null)?.name === 'AbortError';
  return isAbort ? error : toFileError(path, error, forUpdate ? RING_FILE : READ_RING_FILE);
}

/** Returns the error of a write that cannot succeed until the folder's content is changed by hand. */
export function ringFileProblem(path: string, problem: string): KeyProviderError {
  return new KeyProviderError(`The key ring ${quotePath(path)} ${problem}.`, { provider: FILE, retryable: false });
}
