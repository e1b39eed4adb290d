import { extname } from 'node:path';
import {
  allocateBytes,
  checkString,
  describeText,
  invalidRange,
  KeyAccessDeniedError,
  KeyFormatError,
  KeyNotFoundError,
  KeyProviderError,
  nodeCrypto,
} from '../../core/index.js';
import { placeNew, publishFile } from '../../util/atomic-file.js';
import { decodeBase64, encodeBase64 } from '../../util/base64.js';
import { toFileError, type FileErrors } from '../../util/file-errors.js';
import { readGuardedSync } from '../../util/guarded-file.js';
import { isQuotablePath } from '../../util/quote-path.js';

/** The name of the local store in errors, events and metrics, and of its cipher in a key ring. */
export const LOCAL = 'local';

/** The length of an AES-256 key. */
const MASTER_KEY_BYTES = 32;

const MAX_FILE_BYTES = 1_024;
const EXPECTED = 'it must hold 32 bytes in base64, as `openssl rand -base64 32` prints them.';

/** The errors of a master-key file that cannot be read. */
export const MASTER_KEY_FILE: FileErrors = {
  provider: LOCAL,
  kind: 'master-key file',
  byCode: {
    ENOENT: [KeyNotFoundError, 'does not exist; check `masterKeyFile`, or create it with `createMasterKey`.'],
    ELOOP: [
      KeyAccessDeniedError,
      (_, path) =>
        `is a symbolic link, which is not followed; give the file itself, with mode 0600: chmod 600 '${path}'`,
    ],
    EACCES: [
      KeyAccessDeniedError,
      (code, path) =>
        `may not be opened by this process (${code}); check its owner and mode, and those of its folders: chmod 600 '${path}'`,
    ],
    TOO_LARGE: [KeyFormatError, (detail) => `${detail}, and is too long; ${EXPECTED}`],
  },
};

/** The errors of a master-key file that cannot be created. */
const NEW_MASTER_KEY_FILE: FileErrors = {
  ...MASTER_KEY_FILE,
  byCode: {
    ENOENT: [KeyNotFoundError, 'cannot be created, because its folder does not exist; create the folder first.'],
    EEXIST: [
      KeyProviderError,
      'exists and is never overwritten; use it, or choose another path.',
      { retryable: false },
    ],
    EACCES: [
      KeyAccessDeniedError,
      (code) => `may not be created by this process (${code}); choose a folder that it may write to.`,
    ],
  },
};

/**
 * Creates a master-key file of mode 0600: 32 random bytes in base64 and a newline, as `openssl rand -base64 32` prints
 * them. The file appears whole or not at all, and an existing file is never overwritten. If it is lost, every key encrypted
 * under it is lost: back it up, apart from the ciphertexts.
 *
 * @param path - the path of the new file; its folder must exist
 * @returns a promise that resolves when the file is on the disk
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`: `path` is not a non-empty string, or looks like a key
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, not retryable: the file exists (its `cause` has the code
 * `EEXIST`); retryable: the disk failed
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`: the folder does not exist
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`: the folder may not be written to
 *
 * @example
 * ```ts
 * import { createMasterKey } from 'goldkey/local';
 *
 * await createMasterKey('./master.key');
 * ```
 */
export async function createMasterKey(path: string): Promise<void> {
  checkString('path', path);
  if (!path.includes('/') && extname(path) === '' && !isQuotablePath(path)) {
    throw invalidRange(`\`path\` must be a path, got what looks like a key: ${describeText(path)}.`);
  }
  const masterKey = nodeCrypto().randomBytes(MASTER_KEY_BYTES);
  const text = encodeBase64(masterKey);
  masterKey.fill(0);
  const content = allocateBytes(text.length + 1).fill(0x0a);
  content.set(text);
  text.fill(0);
  try {
    await publishFile(path, content, 0o600, (draft) => placeNew(draft, path));
  } catch (error) {
    throw toFileError(path, error, NEW_MASTER_KEY_FILE);
  } finally {
    content.fill(0);
  }
}

/** Runs `use` with the master key of a file, read anew, and zeroes it afterwards. */
export function withMasterKey<T>(path: string, use: (masterKey: Uint8Array) => T): T {
  const masterKey = readMasterKey(path);
  try {
    return use(masterKey);
  } finally {
    masterKey.fill(0);
  }
}

function readMasterKey(path: string): Uint8Array {
  let content: Uint8Array | undefined;
  try {
    content = readGuardedSync(path, MAX_FILE_BYTES, { ownerOnly: true });
    return parseMasterKey(path, content);
  } catch (error) {
    throw toFileError(path, error, MASTER_KEY_FILE);
  } finally {
    content?.fill(0);
  }
}

function parseMasterKey(path: string, content: Uint8Array): Uint8Array {
  const formatError = (problem: string): KeyFormatError =>
    new KeyFormatError(`The master-key file \`${path}\` ${problem}; ${EXPECTED}`, { provider: LOCAL });
  let end = content.length;
  if (content[end - 1] === 0x0a) end -= content[end - 2] === 0x0d ? 2 : 1;
  if (end <= 0) throw formatError('is empty');
  const masterKey = decodeBase64(content.subarray(0, end));
  if (masterKey === undefined) throw formatError('is not base64');
  const { length } = masterKey;
  if (length === MASTER_KEY_BYTES) return masterKey;
  masterKey.fill(0);
  throw formatError(`holds ${String(length)} bytes, which is too ${length < MASTER_KEY_BYTES ? 'short' : 'long'}`);
}
