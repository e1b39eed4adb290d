import { KeyAccessDeniedError, KeyProviderError } from '../../../core/index.js';
import { toFileError, type FileErrors } from '../../../util/file-errors.js';
import { quotePath } from '../../../util/quote-path.js';

/** The name of the store in errors and events. */
export const FILE = 'file';

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
    NOT_REGULAR: [KeyProviderError, 'is not a regular file.', { retryable: false }],
    TOO_LARGE: [KeyProviderError, (detail) => `${detail}.`, { retryable: false }],
    OTHER: [KeyProviderError, (code) => `could not be used (${code}); it is unchanged.`],
  },
};

/** Returns the goldkey error for an error that came of using a key ring. An `AbortError` is returned as it is. */
export function toRingFileError(path: string, error: unknown): unknown {
  const isAbort = (error as Partial<Error> | null)?.name === 'AbortError';
  return isAbort ? error : toFileError(path, error, RING_FILE);
}

/** Returns the error of a write that cannot succeed until the folder's content is changed by hand. */
export function ringFileProblem(path: string, problem: string): KeyProviderError {
  return new KeyProviderError(`The key ring ${quotePath(path)} ${problem}.`, { provider: FILE, retryable: false });
}
