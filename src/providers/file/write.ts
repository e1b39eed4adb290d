import { open, rename, unlink } from 'node:fs/promises';
import { nodeCrypto, KeyProviderError } from '../../core/index.js';

/** Writes a key into a file of mode 0600, in the place of what is there, or leaves everything as it was. */
export async function writeToFile(path: string, key: string): Promise<void> {
  const draft = `${path}.${nodeCrypto().randomBytes(6).toString('hex')}.draft`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(key);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (cause) {
    await unlink(draft).catch(() => undefined);
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    throw new KeyProviderError(`The key file \`${path}\` could not be written (${code}); check its folder and mode.`, {
      provider: 'file',
      retryable: false,
      cause,
    });
  }
}
