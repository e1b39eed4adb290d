import { constants, type Stats } from 'node:fs';
import { open, realpath, stat, statfs, type FileHandle } from 'node:fs/promises';
import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyFormatError,
  KeyNotFoundError,
  KeyProviderError,
  type GoldKeyError,
} from '../../core/index.js';
import { whyNotOwn } from '../../util/file-permissions.js';

/** The name of the store in errors, events and metrics. */
export const FILE = 'file';

const about = { provider: FILE };

// A pipe would keep whoever opens it waiting.
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** What statfs calls file systems in memory: nobody finds the key there when the machine is off. */
const IN_MEMORY = [0x0102_1994, 0x8584_58f6];
/** The folder that Kubernetes makes for each state of a volume, and leads `..data` to. */
const KUBELET = /[/\\]\.\.\d{4}(?:_\d\d){5}\.\d+[/\\]/;

/**
 * A file's content as one descriptor gives it: from one file, even when a link on the way is led elsewhere meanwhile.
 * `undefined` when there is no such file.
 *
 * @param isLast - nothing is tried again after this: an empty file is then what it is, and not one being rewritten
 */
export async function readSecretFile(path: string, maxSize: number, isLast: boolean): Promise<Uint8Array | undefined> {
  let file: FileHandle | undefined;
  try {
    // Opening some files acts (a tape rewinds): look first. Only what is said of the open file counts.
    checkKind(path, await stat(path));
    file = await open(path, READ);
    const stats = await file.stat();
    checkKind(path, stats);
    await checkOwner(path, stats);
    const bytes = await contentOf(path, file, stats, maxSize);
    if (bytes.length > 0 || isLast) return bytes;
    throw beingWritten(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw fileError(path, error);
  } finally {
    await file?.close();
  }
}

async function contentOf(path: string, file: FileHandle, { size, mtimeMs }: Stats, maxSize: number) {
  if (size > maxSize) {
    throw new KeyFormatError(
      `The key file \`${path}\` has ${String(size)} bytes, more than \`maxSize\` (${String(maxSize)}); it is not read.`,
      about,
    );
  }
  const bytes = new Uint8Array(size);
  let isWhole = false;
  try {
    for (let end = 0; end < size;) {
      const { bytesRead } = await file.read(bytes, end, size - end, end);
      if (bytesRead === 0) break;
      end += bytesRead;
    }
    const after = await file.stat();
    isWhole = after.size === size && after.mtimeMs === mtimeMs;
    if (!isWhole) throw beingWritten(path);
    return bytes;
  } finally {
    if (!isWhole) bytes.fill(0);
  }
}

function checkKind(path: string, stats: Stats): void {
  if (!stats.isFile()) {
    throw new KeyAccessDeniedError(`The key file \`${path}\` is not a regular file, and is not read.`, about);
  }
}

/**
 * Off file systems in memory a key has to be its reader's alone. Kubernetes sets owner and mode itself, and makes its
 * volumes of what the node has.
 */
async function checkOwner(path: string, stats: Stats): Promise<void> {
  const wrong = whyNotOwn(path, stats);
  if (wrong === undefined) return;
  const { type } = await statfs(path);
  if (IN_MEMORY.includes(type) || KUBELET.test(await realpath(path))) return;
  throw new KeyAccessDeniedError(`The key file \`${path}\` ${wrong}`, about);
}

function beingWritten(path: string): KeyProviderError {
  return new KeyProviderError(
    `The key file \`${path}\` is being rewritten in place; write another and rename it, which no reader can see half done.`,
    about,
  );
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(String((error as { code?: unknown } | null)?.code));
}

/** Nothing is at the path. */
export function noFile(path: string): KeyNotFoundError {
  return new KeyNotFoundError(
    `There is no key file \`${path}\`; check \`path\`, and that the secret is mounted into this container.`,
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
      return noFile(path);
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new KeyNotFoundError(`The path \`${path}\` leads to no file (${code}); check \`path\`.`, options);
    case 'EACCES':
    case 'EPERM':
      return new KeyAccessDeniedError(
        `This process may not open the key file \`${path}\`; check its owner and mode, and those of its folders.`,
        options,
      );
    default:
      return new KeyProviderError(
        `The key file \`${path}\` could not be read (${typeof code === 'string' ? code : 'unknown'}).`,
        options,
      );
  }
}
