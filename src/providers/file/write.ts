import { rename } from 'node:fs/promises';
import { KeyProviderError } from '../../core/index.js';
import { publishFile } from '../../util/atomic-file.js';
import { toFileError, type FileErrors } from '../../util/file-errors.js';
import { FILE } from './read.js';

/** The errors of a key file that cannot be written. */
const NEW_KEY_FILE: FileErrors = {
  provider: FILE,
  kind: 'key file',
  byCode: {
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
    await publishFile(path, key, 0o600, (draft) => rename(draft, path));
  } catch (error) {
    throw toFileError(path, error, NEW_KEY_FILE);
  }
}
