import { rename } from 'node:fs/promises';
import { KeyProviderError } from '../../core/index.js';
import { publishFile } from '../../util/atomic-file.js';
import { FILE } from './read.js';

/** Replaces the file at `path` by one of mode 0600 that holds `key`, or leaves everything as it was. */
export async function writeToFile(path: string, key: string): Promise<void> {
  try {
    await publishFile(path, key, 0o600, (draft) => rename(draft, path));
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    const message = `The key file \`${path}\` could not be written (${code}); check its folder and mode.`;
    throw new KeyProviderError(message, { provider: FILE, retryable: false, cause });
  }
}
