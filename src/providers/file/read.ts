import { realpath, statfs } from 'node:fs/promises';
import { KeyFormatError, KeyNotFoundError, KeyProviderError } from '../../core/index.js';
import { FileCheckError, isMissing, toFileError, type FileErrors } from '../../util/file-errors.js';
import { readGuarded } from '../../util/guarded-file.js';

/** The name of the store in errors, events and metrics. */
export const FILE = 'file';

/** The errors of a key file that cannot be read. */
export const KEY_FILE: FileErrors = {
  provider: FILE,
  kind: 'key file',
  byCode: {
    ENOENT: [KeyNotFoundError, 'does not exist; check `path`, and that the secret is mounted into this container.'],
    ELOOP: [KeyNotFoundError, 'is a link that leads to itself (ELOOP); check `path`.'],
    ENAMETOOLONG: [KeyNotFoundError, 'has too long a path (ENAMETOOLONG); check `path`.'],
    TOO_LARGE: [KeyFormatError, (detail) => `${detail} (\`maxSize\`); it is not read.`],
    CHANGED: [
      KeyProviderError,
      'is being rewritten in place; write another file and rename it, so that no reader sees half of it.',
    ],
  },
};

/** The types that statfs reports for tmpfs and ramfs, whose files are gone once the machine is off. */
const IN_MEMORY = [0x0102_1994, 0x8584_58f6];
/** The folder that Kubernetes creates for each state of a volume and that `..data` links to. */
const KUBELET = /[/\\]\.\.\d{4}(?:_\d\d){5}\.\d+[/\\]/;

/**
 * Returns the content of a key file, read from one descriptor even if a link on its path changes meanwhile, or
 * `undefined` if there is no such file.
 *
 * @param isLast - whether this is the last attempt, which returns an empty file. Before it, such a file is being rewritten
 */
export async function readKeyFile(path: string, maxSize: number, isLast: boolean): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readGuarded(path, maxSize, { ownerOnly: !(await isProtectedElsewhere(path)) });
    if (bytes.length > 0 || isLast) return bytes;
    throw new FileCheckError('CHANGED');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toFileError(path, error, KEY_FILE);
  }
}

/** Returns whether the file lies in memory, or in a volume of Kubernetes, which sets owner and mode itself. */
export async function isProtectedElsewhere(path: string): Promise<boolean> {
  return IN_MEMORY.includes((await statfs(path)).type) || KUBELET.test(await realpath(path));
}
