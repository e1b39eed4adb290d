import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { FileCheckError } from './file-errors.js';

// O_NONBLOCK: opening a FIFO would otherwise block until a writer comes. Windows has neither flag.
const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/**
 * Reads a regular file of at most `maxBytes` from one descriptor: what was checked is what is read.
 *
 * @param options - `ownerOnly`: the file must not be a symbolic link, must belong to this process's user and must give
 * no other user access
 * @throws {FileCheckError} the file fails a check
 */
export function readGuardedSync(path: string, maxBytes: number, options: { ownerOnly: boolean }): Buffer {
  const { ownerOnly } = options;
  // Opening a device may act (a tape rewinds), so the path is checked first. What counts is the state of the open file.
  checkKind(ownerOnly ? lstatSync(path) : statSync(path));
  const fd = openSync(path, ownerOnly ? READ_ONLY | NO_FOLLOW : READ_ONLY);
  try {
    const stats = fstatSync(fd);
    checkKind(stats);
    const problem = ownerOnly ? findAccessProblem(path, stats) : undefined;
    if (problem !== undefined) throw new FileCheckError('NOT_PRIVATE', problem);
    checkSize(stats, maxBytes);
    const content = Buffer.alloc(stats.size);
    return content.subarray(0, readSync(fd, content, 0, stats.size, 0));
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a file as {@link readGuardedSync} does, without blocking the process. A symbolic link is followed.
 *
 * @param isExempt - returns whether the file may be accessible to other users
 * @throws {FileCheckError} the file fails a check, or changed while it was read
 */
export async function readGuarded(
  path: string,
  maxBytes: number,
  isExempt: () => Promise<boolean>,
): Promise<Uint8Array> {
  checkKind(await stat(path));
  const file = await open(path, READ_ONLY);
  try {
    const stats = await file.stat();
    checkKind(stats);
    const problem = findAccessProblem(path, stats);
    if (problem !== undefined && !(await isExempt())) throw new FileCheckError('NOT_PRIVATE', problem);
    checkSize(stats, maxBytes);
    const content = new Uint8Array(stats.size);
    let isWhole = false;
    try {
      for (let end = 0; end < content.length;) {
        const { bytesRead } = await file.read(content, end, content.length - end, end);
        if (bytesRead === 0) break;
        end += bytesRead;
      }
      const after = await file.stat();
      isWhole = after.size === stats.size && after.mtimeMs === stats.mtimeMs;
      if (!isWhole) throw new FileCheckError('CHANGED');
      return content;
    } finally {
      if (!isWhole) content.fill(0);
    }
  } finally {
    await file.close();
  }
}

function checkKind(stats: Stats): void {
  if (stats.isSymbolicLink()) throw new FileCheckError('ELOOP');
  if (!stats.isFile()) throw new FileCheckError('NOT_REGULAR');
}

function checkSize({ size }: Stats, maxBytes: number): void {
  if (size > maxBytes)
    throw new FileCheckError('TOO_LARGE', `has ${String(size)} bytes, more than the limit of ${String(maxBytes)}`);
}

/**
 * Returns who else can access the file and the command that closes it, or `undefined` if only this process's user can.
 * On Windows always `undefined`: Node.js reads neither owners nor access lists there.
 */
function findAccessProblem(path: string, { uid, mode }: Stats): string | undefined {
  const self = process.getuid?.();
  if (self === undefined) return undefined;
  if (uid !== self) {
    return `belongs to another user (uid ${String(uid)}, this process runs as ${String(self)}); change its owner: chown ${String(self)} '${path}' && chmod 600 '${path}'`;
  }
  if ((mode & 0o077) === 0) return undefined;
  return `has mode 0${(mode & 0o777).toString(8)}, which gives other users access; close it: chmod 600 '${path}'`;
}
