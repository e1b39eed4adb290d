import { allocateBytes } from '../core/index.js';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { FileCheckError } from './file-errors.js';

// O_NONBLOCK: opening a FIFO would otherwise block until a writer comes. Windows has neither flag.
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

interface ReadOptions {
  /** Whether the file must belong to this process's user and give no other user access. */
  readonly ownerOnly: boolean;
}

/**
 * Reads a regular file of at most `maxBytes` from one descriptor: what was checked is what is read. With `ownerOnly` it must
 * not be a symbolic link either. Throws a {@link FileCheckError} if a check fails.
 */
export function readGuardedSync(path: string, maxBytes: number, { ownerOnly }: ReadOptions): Buffer {
  // Opening a device may act (a tape rewinds), so the path is checked first. What counts is the state of the open file.
  checkKind(ownerOnly ? lstatSync(path) : statSync(path));
  const fd = openSync(path, ownerOnly ? READ_ONLY | NO_FOLLOW : READ_ONLY);
  try {
    const size = checkOpenFile(path, fstatSync(fd), maxBytes, ownerOnly);
    const content = Buffer.alloc(size);
    return content.subarray(0, readSync(fd, content, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a file as {@link readGuardedSync} does, but follows a symbolic link and does not block the process. A file that
 * changes meanwhile fails the check `CHANGED`.
 */
export async function readGuarded(path: string, maxBytes: number, { ownerOnly }: ReadOptions): Promise<Uint8Array> {
  checkKind(await stat(path));
  const file = await open(path, READ_ONLY);
  let content: Uint8Array | undefined;
  try {
    const before = await file.stat();
    const bytes = allocateBytes(checkOpenFile(path, before, maxBytes, ownerOnly));
    content = bytes;
    let [end, bytesRead] = [0, 1];
    for (; bytesRead > 0 && end < bytes.length; end += bytesRead) {
      ({ bytesRead } = await file.read(bytes, end, bytes.length - end, end));
    }
    const after = await file.stat();
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw new FileCheckError('CHANGED');
    return bytes;
  } catch (error) {
    content?.fill(0);
    throw error;
  } finally {
    await file.close();
  }
}

/** Throws unless it is a regular file, and not a link to one. */
export function checkKind(stats: Stats): void {
  if (stats.isSymbolicLink()) throw new FileCheckError('ELOOP');
  if (!stats.isFile()) throw new FileCheckError('NOT_REGULAR');
}

function checkOpenFile(path: string, stats: Stats, maxBytes: number, ownerOnly: boolean): number {
  checkKind(stats);
  if (ownerOnly) checkAccess(path, stats);
  const { size } = stats;
  if (size <= maxBytes) return size;
  throw new FileCheckError('TOO_LARGE', `has ${String(size)} bytes, more than the limit of ${String(maxBytes)}`);
}

/** Throws unless only this process's user can access the file. Node.js reads neither owners nor access lists on Windows. */
function checkAccess(path: string, { uid, mode }: Stats): void {
  const self = process.getuid?.();
  if (self === undefined || (uid === self && (mode & 0o077) === 0)) return;
  const problem =
    uid === self
      ? `has mode 0${(mode & 0o777).toString(8)}, which gives other users access; close it: chmod 600 '${path}'`
      : `belongs to another user (uid ${String(uid)}, this process runs as ${String(self)}); change its owner: chown ${String(self)} '${path}' && chmod 600 '${path}'`;
  throw new FileCheckError('NOT_PRIVATE', problem);
}
