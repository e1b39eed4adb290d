import { computeFingerprint, type EncryptedKey, type KeyCipher } from '../../core/index.js';
import { readKey } from '../input/read-key.js';
import { printResult, styleText, tell, type CliRun } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { openCipher } from '../options/store.js';
import { showProgress } from '../spinner.js';

/** Encrypts a key, or with `--envelope` more than a key, and prints the ciphertext, which is safe in Git. */
export async function encrypt(run: CliRun, options: CommandOptions): Promise<void> {
  const { io } = run;
  // First, so that a missing option is reported before the user types a key.
  const cipher = await openCipher(io, options);
  try {
    const key = await readKey(run, options);
    const encrypting = options.envelope === true ? encryptMessage(cipher, key) : Promise.resolve(cipher.encrypt(key));
    const { ciphertext, keyId, encryptionContext, fingerprint } = await showProgress(io, 'encrypting', encrypting);
    printResult(io, options.json, { ciphertext, keyId, encryptionContext, fingerprint }, ciphertext);
    if (io.stderr.isTTY === true) {
      const note = `The key with fingerprint ${fingerprint} is encrypted; the line above is safe in Git.`;
      tell(io, styleText(io, 'stderr', 'dim', note));
    }
  } finally {
    await cipher.close?.();
  }
}

/** Encrypts a text of any length. Which key encrypted it stands in the message. */
async function encryptMessage(
  cipher: KeyCipher,
  text: string,
): Promise<Partial<EncryptedKey> & { ciphertext: string }> {
  const { envelope } = await import('../../envelope/index.js');
  const message = Buffer.from(await envelope({ cipher }).encrypt(text));
  return {
    ciphertext: message.toString('base64'),
    encryptionContext: cipher.encryptionContext,
    fingerprint: computeFingerprint(text),
  };
}
