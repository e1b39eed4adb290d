import { realpath, statfs } from 'node:fs/promises';
import { KeyAccessDeniedError, KeyFormatError, KeyNotFoundError, KeyProviderError } from '../../core/index.js';
import {
  FileCheckError,
  isMissing,
  toFileError,
  type FileErrorEntry,
  type FileErrors,
} from '../../util/file-errors.js';
import { readGuarded } from '../../util/guarded-file.js';

/** The name of the store in errors, events and metrics. */
export const FILE = 'file';

const LEADS_NOWHERE: FileErrorEntry = [
  KeyNotFoundError,
  ({ path, detail }) => `The path \`${path}\` leads to no file (${detail}); check \`path\`.`,
];

/** The errors of a key file that cannot be read. */
export const KEY_FILE: FileErrors = {
  provider: FILE,
  kind: 'key file',
  byCode: {
    ENOENT: [
      KeyNotFoundError,
      ({ file }) => `There is no ${file}; check \`path\`, and that the secret is mounted into this container.`,
    ],
    ELOOP: LEADS_NOWHERE,
    ENAMETOOLONG: LEADS_NOWHERE,
    EACCES: [
      KeyAccessDeniedError,
      ({ file }) => `This process may not open the ${file}; check its owner and mode, and those of its folders.`,
    ],
    NOT_REGULAR: [KeyAccessDeniedError, ({ file }) => `The ${file} is not a regular file, and is not read.`],
    NOT_PRIVATE: [KeyAccessDeniedError, ({ file, detail }) => `The ${file} ${detail}`],
    TOO_LARGE: [KeyFormatError, ({ file, detail }) => `The ${file} ${detail} (\`maxSize\`); it is not read.`],
    CHANGED: [
      KeyProviderError,
      ({ file }) =>
        `The ${file} is being rewritten in place; write another file and rename it, so that no reader sees half of it.`,
    ],
    OTHER: [KeyProviderError, ({ file, detail }) => `The ${file} could not be read (${detail}).`],
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
    const bytes = await readGuarded(path, maxSize, () => isProtectedElsewhere(path));
    if (bytes.length > 0 || isLast) return bytes;
    throw new FileCheckError('CHANGED');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toFileError(path, error, KEY_FILE);
  }
}

/** Returns whether the file lies in memory, or in a volume of Kubernetes, which sets owner and mode itself. */
async function isProtectedElsewhere(path: string): Promise<boolean> {
  return IN_MEMORY.includes((await statfs(path)).type) || KUBELET.test(await realpath(path));
}
