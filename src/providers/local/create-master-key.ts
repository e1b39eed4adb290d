import { link } from 'node:fs/promises';
import { checkOptionalString, invalidType, nodeCrypto } from '../../core/index.js';
import { publishFile } from '../../util/atomic-file.js';
import { encodeBase64 } from '../../util/base64.js';
import { toFileError } from '../../util/file-errors.js';
import { MASTER_KEY_BYTES, MASTER_KEY_FILE } from './master-key.js';

/**
 * Creates a master-key file of mode 0600: 32 random bytes in base64 and a newline, as `openssl rand -base64 32` prints
 * them. The file appears whole or not at all, and an existing file is never overwritten. If it is lost, every key encrypted
 * under it is lost: back it up, apart from the ciphertexts.
 *
 * @param path - the path of the new file; its folder must exist
 * @returns a promise that resolves when the file is on the disk
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: `path` is not a non-empty string
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, not retryable: the file exists (its `cause` has the code
 * `EEXIST`); retryable: the disk failed
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`: the folder does not exist
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`: the folder may not be written to
 *
 * @example
 * ```ts
 * import { createMasterKey, localCipher } from 'goldkey/local';
 *
 * await createMasterKey('./master.key');
 * const cipher = localCipher({ masterKeyFile: './master.key', encryptionContext: { service: 'gold-data-stream' } });
 * const { ciphertext } = await cipher.encrypt(apiKey);
 * ```
 */
export async function createMasterKey(path: string): Promise<void> {
  if (checkOptionalString('path', path) === undefined) throw invalidType('`path` must be a non-empty string.');
  const masterKey = nodeCrypto().randomBytes(MASTER_KEY_BYTES);
  const text = encodeBase64(masterKey);
  masterKey.fill(0);
  const content = new Uint8Array(text.length + 1).fill(0x0a);
  content.set(text);
  text.fill(0);
  try {
    // Unlike a rename, a link fails if its name is taken.
    await publishFile(path, content, 0o600, (draft) => link(draft, path));
  } catch (error) {
    throw toFileError(path, error, MASTER_KEY_FILE);
  } finally {
    content.fill(0);
  }
}
