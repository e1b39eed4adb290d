import { link, open, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { invalidType, KeyProviderError, nodeCrypto, checkOptionalString } from '../../core/index.js';
import { encodeBase64 } from '../../util/base64.js';
import { fileError, LOCAL, MASTER_KEY_BYTES } from './master-key.js';

/**
 * Creates a master-key file: 32 random bytes in base64 and a newline, as `openssl rand -base64 32` prints them, with
 * mode 0600. The file appears whole or not at all, and one that is there is never overwritten. Whoever loses the file
 * loses every key encrypted under it: back it up where the ciphertexts are not.
 *
 * @param path - where; its directory must exist
 * @returns when the file is on the disk
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: `path` is not a non-empty string
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, not retryable: there is a file already (its `cause` has the code
 * `EEXIST`); retryable: the disk failed
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`: the directory does not exist
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`: the directory may not be written to
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
  const { randomBytes, randomUUID } = nodeCrypto();
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const masterKey = randomBytes(MASTER_KEY_BYTES);
    const text = encodeBase64(masterKey);
    masterKey.fill(0);
    const content = new Uint8Array(text.length + 1).fill(0x0a);
    content.set(text);
    text.fill(0);
    await writeNew(temporary, content).finally(() => content.fill(0));
    try {
      // Unlike a rename, a link fails when its name is taken.
      await link(temporary, path);
    } finally {
      await unlink(temporary);
    }
    await syncDirectory(directory);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'EEXIST') {
      throw new KeyProviderError(
        `The master-key file \`${path}\` exists and is never overwritten; use it, or choose another path.`,
        { provider: LOCAL, retryable: false, cause: error },
      );
    }
    throw fileError(path, error);
  }
}

async function writeNew(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    // A umask can only have taken away from the mode; the owner must be able to read it.
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await file.close();
  }
}

/** Makes the new name itself durable; where directories cannot be opened (Windows) there is nothing to do. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  await handle
    ?.sync()
    .catch(() => undefined)
    .finally(() => handle.close());
}
