import { lstat, rename } from 'node:fs/promises';
import { KeyProviderError } from '../../core/index.js';
import { publishFile } from '../../util/atomic-file.js';
import { isMissing, toFileError, type FileErrors } from '../../util/file-errors.js';
import { checkKind } from '../../util/guarded-file.js';
import { FILE } from './read.js';

/** The errors of a key file that cannot be written. */
const NEW_KEY_FILE: FileErrors = {
  provider: FILE,
  kind: 'key file',
  byCode: {
    ELOOP: [KeyProviderError, 'is a symbolic link, and is not replaced; name the file itself.', { retryable: false }],
    NOT_REGULAR: [KeyProviderError, 'is not a regular file, and is not replaced.', { retryable: false }],
    OTHER: [
      KeyProviderError,
      (code) => `could not be written (${code}); check its folder and mode.`,
      { retryable: false },
    ],
  },
};

/** Replaces the file at `path` by one of mode 0600 that holds `key`, or leaves everything as it was. */
export async function writeToFile(path: string, key: string): Promise<void> {
  try {
    await checkReplaceable(path);
    await publishFile(path, key, 0o600, (draft) => rename(draft, path));
  } catch (error) {
    throw toFileError(path, error, NEW_KEY_FILE);
  }
}

/** Throws if something else than a file would be lost: a device, a FIFO, or a link whose file would keep the old key. */
async function checkReplaceable(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  if (stats !== undefined) checkKind(stats);
}
