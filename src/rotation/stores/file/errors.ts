import { KeyAccessDeniedError, KeyProviderError } from '../../../core/index.js';
import { toFileError, type FileErrors } from '../../../util/file-errors.js';

/** The name of the store in errors and events. */
export const FILE = 'file';

const RING_FILE: FileErrors = {
  provider: FILE,
  kind: 'key ring',
  byCode: {
    EACCES: [
      KeyAccessDeniedError,
      ({ file, detail }) =>
        `This process may not use the ${file} (${detail}); check its owner and mode, and those of its folder: writing creates files beside it.`,
    ],
    ENOENT: [KeyProviderError, ({ file }) => `There is no folder for the ${file}; create it first.`],
    ENOSPC: [
      KeyProviderError,
      ({ file, detail }) => `There is no space left to write the ${file} (${detail}); it is unchanged.`,
    ],
    NOT_REGULAR: [KeyProviderError, ({ file }) => `The ${file} is not a regular file.`, { retryable: false }],
    TOO_LARGE: [KeyProviderError, ({ file, detail }) => `The ${file} ${detail}.`, { retryable: false }],
    OTHER: [KeyProviderError, ({ file, detail }) => `The ${file} could not be used (${detail}); it is unchanged.`],
  },
};

/** Returns the goldkey error for an error that came of using a key ring. An `AbortError` is returned as it is. */
export function toRingFileError(path: string, error: unknown): unknown {
  const isAbort = (error as Partial<Error> | null)?.name === 'AbortError';
  return isAbort ? error : toFileError(path, error, RING_FILE);
}

/** Returns the error of a write that cannot succeed until the folder's content is changed by hand. */
export function ringFileProblem(path: string, problem: string): KeyProviderError {
  return new KeyProviderError(`The key ring \`${path}\` ${problem}.`, { provider: FILE, retryable: false });
}
