import { printResult, type CliIo } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { checkVersion, chooseVersion, loadStoredKey, openStore } from '../options/store.js';
import { showProgress } from '../spinner.js';

/** Decrypts the key and prints its version, fingerprint and length, never the key. */
export async function verify(io: CliIo, options: CommandOptions): Promise<void> {
  const asked = chooseVersion(io, options);
  const store = await openStore(io, options, { version: asked });
  const { bytes, version, fingerprint } = await showProgress(io, 'decrypting', loadStoredKey(io, store, options));
  const { length } = bytes.fill(0);
  checkVersion(version, asked, options.ring);
  const text = `version      ${String(version)}\nfingerprint  ${String(fingerprint)}\nlength       ${String(length)}`;
  printResult(io, options.json, { version, fingerprint, length }, text);
}
