import { lstatSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import { describeText, isOneLine, isQuotable, readProperty, tryOrUndefined } from '../core/index.js';
import { parseErrorName } from './error-name.js';

/** The codes of a mount that does not answer. To ask it again could block the process. */
const UNRESPONSIVE = ['EIO', 'ETIMEDOUT', 'ESTALE', 'EHOSTDOWN', 'ENOTCONN'];

/** Returns a path in backticks for a message, or only its length if it could be a key, given in place of a path. */
export function quotePath(path: string, code?: string): string {
  return isQuotablePath(path, code) ? `\`${path}\`` : describeText(path);
}

/**
 * Returns whether a path may be shown: there is such a file, it has a folder and a short ending, or its name is made of words,
 * and so is its folder's unless there is one. `code` is that of the error which came of using it.
 */
export function isQuotablePath(path: string, code: string = ''): boolean {
  const exists = (file: string): boolean =>
    !UNRESPONSIVE.includes(code) && tryOrUndefined(() => lstatSync(file)) !== undefined;
  if (!isOneLine(path)) return false;
  if (exists(path)) return true;
  const folder = dirname(path);
  const ending = extname(path);
  if (folder !== '.' && ending.length > 1 && ending.length < 6 && isQuotable(ending)) return true;
  const names = folder !== '.' && exists(folder) ? [basename(path)] : path.replaceAll('\\', '/').split('/');
  return names.every((name) => isQuotable(name));
}

/** Returns an error of the file system as the `cause` of another, with its code alone if it quotes a path that may not be shown. */
export function toFileCause(path: string, error: unknown): unknown {
  const code = parseErrorName(readProperty(error as object, 'code'));
  if (isQuotablePath(path, code)) return error;
  return Object.assign(new Error(`The file system answered with ${code ?? 'an error'}.`), { code });
}
