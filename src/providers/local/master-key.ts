import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyFormatError,
  KeyNotFoundError,
  KeyProviderError,
  type GoldKeyError,
} from '../../core/index.js';
import { decodeBase64 } from '../../util/base64.js';
import { whyNotOwn } from '../../util/file-permissions.js';

/** The name of the local store in errors, events and metrics, and of its cipher in a key ring. */
export const LOCAL = 'local';

/** AES-256. */
export const MASTER_KEY_BYTES = 32;

/** Longer files are not read: nothing that long is a master key. */
const MAX_FILE_BYTES = 1_024;

const about = { provider: LOCAL };

/** Lends a master key out for one operation and zeroes it after. */
export function withMasterKey<T>(path: string, use: (masterKey: Uint8Array) => T): T {
  const masterKey = readMasterKey(path);
  try {
    return use(masterKey);
  } finally {
    masterKey.fill(0);
  }
}

/**
 * Reads 44 bytes off a local disk, synchronously: what was checked is what is read, on one descriptor, with nothing
 * in between.
 */
function readMasterKey(path: string): Uint8Array {
  let fd: number | undefined;
  try {
    // Opening some files blocks or acts (a pipe, a device): look first. Only what fstat says of the open file counts.
    checkKind(path, lstatSync(path));
    fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(fd);
    checkKind(path, stats);
    checkOwner(path, stats);
    return parseMasterKey(path, fd, stats.size);
  } catch (error) {
    throw fileError(path, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function parseMasterKey(path: string, fd: number, size: number): Uint8Array {
  const wrong = (what: string): KeyFormatError =>
    new KeyFormatError(
      `The master-key file \`${path}\` ${what}; it must hold 32 bytes in base64, as \`openssl rand -base64 32\` prints them.`,
      about,
    );
  if (size > MAX_FILE_BYTES) throw wrong(`has ${String(size)} bytes, which is too long`);
  const content = Buffer.alloc(size);
  try {
    let end = readSync(fd, content, 0, size, 0);
    if (content[end - 1] === 0x0a) end -= content[end - 2] === 0x0d ? 2 : 1;
    if (end <= 0) throw wrong('is empty');
    const masterKey = decodeBase64(content.subarray(0, end));
    if (masterKey === undefined) throw wrong('is not base64');
    if (masterKey.length !== MASTER_KEY_BYTES) {
      masterKey.fill(0);
      throw wrong(
        `holds ${String(masterKey.length)} bytes, which is too ${masterKey.length < MASTER_KEY_BYTES ? 'short' : 'long'}`,
      );
    }
    return masterKey;
  } finally {
    content.fill(0);
  }
}

function checkKind(path: string, stats: Stats): void {
  if (stats.isSymbolicLink()) throw symlink(path);
  if (!stats.isFile()) {
    throw new KeyAccessDeniedError(`The master key \`${path}\` is not a regular file, and is not read.`, about);
  }
}

function checkOwner(path: string, stats: Stats): void {
  const wrong = whyNotOwn(path, stats);
  if (wrong !== undefined) throw new KeyAccessDeniedError(`The master-key file \`${path}\` ${wrong}`, about);
}

function symlink(path: string): KeyAccessDeniedError {
  return new KeyAccessDeniedError(
    `The master key \`${path}\` is a symbolic link, which is not followed; give the path of the file itself, with mode 0600: chmod 600 '${path}'`,
    about,
  );
}

/** One of our errors for whatever the file system said. */
export function fileError(path: string, error: unknown): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const options = { ...about, cause: error };
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new KeyNotFoundError(
        `There is no master-key file \`${path}\`; check \`masterKeyFile\`, or make one with \`createMasterKey\`.`,
        options,
      );
    case 'ELOOP':
      return symlink(path);
    case 'EACCES':
    case 'EPERM':
      return new KeyAccessDeniedError(
        `This process may not open the master-key file \`${path}\`; check its owner and mode, and those of its directories: chmod 600 '${path}'`,
        options,
      );
    default:
      return new KeyProviderError(
        `The master-key file \`${path}\` could not be used (${typeof code === 'string' ? code : 'unknown'}).`,
        options,
      );
  }
}
