import { isGoldKeyError, KeyAccessDeniedError, KeyProviderError } from '../../../core/index.js';
import { FILE } from './file-name.js';

/** The file is not what it should be, whatever the file system says. */
export class FileRefused extends Error {}

/** One of our errors for whatever the file system said. */
export function fileFault(path: string, error: unknown): unknown {
  if (isGoldKeyError(error) || (error as Partial<Error> | null)?.name === 'AbortError') return error;
  if (error instanceof FileRefused) {
    return new KeyProviderError(`The key ring \`${path}\` ${error.message}.`, { provider: FILE, retryable: false });
  }
  const code = (error as { code?: unknown } | null)?.code;
  const about = { provider: FILE, cause: error };
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new KeyAccessDeniedError(
        `This process may not use the key ring \`${path}\` (${code}); check its owner and mode, and those of its folder: writing makes files beside it.`,
        about,
      );
    case 'ENOENT':
    case 'ENOTDIR':
      return new KeyProviderError(`There is no folder for the key ring \`${path}\`; make it first.`, about);
    case 'ENOSPC':
    case 'EDQUOT':
      return new KeyProviderError(
        `There is no room left to write the key ring \`${path}\` (${code}); it is as it was.`,
        about,
      );
    default:
      return new KeyProviderError(
        `The key ring \`${path}\` could not be used (${typeof code === 'string' ? code : 'unknown'}); it is as it was.`,
        about,
      );
  }
}
