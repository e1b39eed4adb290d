import { printResult, type CliIo } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { loadStoredKey, openStore } from '../options/store.js';

/** Decrypts the key and prints its version, fingerprint and length, never the key. */
export async function verify(io: CliIo, options: CommandOptions): Promise<void> {
  const { bytes, version, fingerprint } = await loadStoredKey(io, await openStore(io, options), options);
  const { length } = bytes.fill(0);
  const text = `version      ${String(version)}\nfingerprint  ${String(fingerprint)}\nlength       ${String(length)}`;
  printResult(io, options.json, { version, fingerprint, length }, text);
}
