import { readKey } from '../input/read-key.js';
import { printResult, styleText, tell, type CliRun } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { openCipher } from '../options/store.js';
import { showProgress } from '../spinner.js';

/** Encrypts a key and prints the ciphertext, which is safe in Git. */
export async function encrypt(run: CliRun, options: CommandOptions): Promise<void> {
  const { io } = run;
  // First, so that a missing option is reported before the user types a key.
  const cipher = await openCipher(io, options);
  try {
    const key = await readKey(run, options);
    const encrypting = Promise.resolve(cipher.encrypt(key));
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
