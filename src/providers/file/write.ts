import { rename } from 'node:fs/promises';
import { KeyProviderError } from '../../core/index.js';
import { publishFile } from '../../util/atomic-file.js';
import { toFileError, type FileErrors } from '../../util/file-errors.js';
import { FILE } from './read.js';

const WRITTEN_FILE: FileErrors = {
  provider: FILE,
  kind: 'key file',
  byCode: {
    OTHER: [
      KeyProviderError,
      ({ file, detail }) => `The ${file} could not be written (${detail}); check its folder and mode.`,
      { retryable: false },
    ],
  },
};

/** Replaces the file at `path` by one of mode 0600 that holds `key`, or leaves everything as it was. */
export async function writeToFile(path: string, key: string): Promise<void> {
  try {
    await publishFile(path, key, 0o600, (draft) => rename(draft, path));
  } catch (error) {
    throw toFileError(path, error, WRITTEN_FILE);
  }
}
