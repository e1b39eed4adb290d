import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isProtectedElsewhere } from '../../../providers/file/read.js';
import { isMissing } from '../../../util/file-errors.js';
import { isQuotablePath, quotePath } from '../../../util/quote-path.js';
import { fail, ok, skip, warn, type Finding } from './check.js';
import { formatStoring, formatCommand, quoteForShell } from './repair.js';
import type { Setup } from './setup.js';

/** Checks the file that holds a secret: the master key, or the key itself. */
export async function checkFiles({ options, kind }: Setup, signal: AbortSignal): Promise<Finding> {
  const path = kind === 'local' ? options.masterKey : kind === 'file' ? options.store?.replace(/^file:\/\//, '') : '';
  if (path === undefined || path === '') return skip('no file holds a secret');
  const name = quotePath(path);
  /** Returns a path of the repair, unless it could be a secret. */
  const word = (text: string): string => (isQuotablePath(path) ? quoteForShell(text) : '…');
  const folder = dirname(resolve(path));
  try {
    const link = await lstat(path);
    if (kind === 'file' && (await isProtectedElsewhere(path)))
      return ok(`${name} is protected by the system that mounts it`);
    if (link.isSymbolicLink() && kind === 'local') {
      const fix = `cp -p "$(realpath ${word(path)})" ${word(`${path}.new`)} && mv ${word(`${path}.new`)} ${word(path)}`;
      return fail(`${name} is a symbolic link, which is not followed.`, fix);
    }
    const file = await stat(path);
    const problem = process.getuid === undefined ? undefined : findOpenDoor(file, await stat(folder), process.getuid());
    if (problem === 'owner') {
      const fix = `sudo chown ${String(process.getuid?.())} ${word(path)}`;
      return fail(`${name} belongs to another user (uid ${String(file.uid)}).`, fix);
    }
    if (problem === 'mode') {
      const mode = `0${(file.mode & 0o777).toString(8)}`;
      return fail(`${name} has mode ${mode}, which gives other users access.`, `chmod 600 ${word(path)}`);
    }
    if (problem === 'folder') {
      const text = `Other users may replace ${name}: they may write to its folder.`;
      return { ...fail(text, `chmod go-w ${word(folder)}`), goesOn: true };
    }
    const git = await findInGit(path, signal);
    if (git === 'tracked') {
      const fix = `git -C ${word(folder)} rm --cached -- ${word(basename(path))}`;
      const text = `${name} is in Git: remove it there and rotate the key, because the history keeps it.`;
      return { ...fail(text, fix), goesOn: true };
    }
    if (git === 'not ignored') {
      const fix = `echo ${word(`/${basename(path)}`)} >> ${word(join(folder, '.gitignore'))}`;
      return warn(`${name} lies in a work tree of Git, which does not ignore it.`, fix);
    }
    return ok(`only its owner can read ${name}`);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const create = kind === 'local' ? formatCommand('goldkey create-key', options) : formatStoring(options);
    return fail(`${name} does not exist.`, create);
  }
}

/** Returns by which way others get at a file. */
function findOpenDoor(file: Stats, folder: Stats, self: number): 'owner' | 'mode' | 'folder' | undefined {
  if (file.uid !== self) return 'owner';
  if ((file.mode & 0o077) !== 0) return 'mode';
  // In a folder with the sticky bit, such as /tmp, nobody replaces a file of another user.
  return (folder.mode & 0o022) !== 0 && (folder.mode & 0o1000) === 0 ? 'folder' : undefined;
}

/** Asks Git about a file; `undefined` where it is ignored, or there is no repository or no Git. */
async function findInGit(path: string, signal: AbortSignal): Promise<'tracked' | 'not ignored' | undefined> {
  const ask = (...words: readonly string[]): Promise<number> =>
    new Promise((settle) => {
      // A repository may name a program that Git would start.
      const argv = ['-C', dirname(resolve(path)), '-c', 'core.fsmonitor=false', ...words, '--', basename(path)];
      execFile('git', argv, { signal }, (error) => settle(error === null ? 0 : Number(error.code)));
    });
  if ((await ask('ls-files', '--error-unmatch')) === 0) return 'tracked';
  return (await ask('check-ignore', '-q')) === 1 ? 'not ignored' : undefined;
}
