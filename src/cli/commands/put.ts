import { encodeKey } from '../../core/index.js';
import { readKey } from '../input/read-key.js';
import { printResult, tell, type CliIo, type CliRun } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { requireAll, STORE } from '../options/required.js';
import { checkWritable, loadStoredKey, openStore } from '../options/store.js';
import { writeAndCompare } from '../options/write-key.js';

const TO_STORE = { question: 'Key to store (not shown): ', undone: 'nothing was written' };

/** Writes a key, typed, piped in or from a file, to a store, reads it back there and compares. It is never shown. */
export async function put(run: CliRun, options: CommandOptions): Promise<void> {
  const { io } = run;
  const { store: url = '', json } = options;
  if (url === '') requireAll([STORE]);
  // First, so that a wrong store is reported before the user types a key.
  checkWritable(url);
  const key = encodeKey(await readKey(run, options, TO_STORE));
  try {
    const old = await readOldKey(io, options);
    const { version, fingerprint } = await writeAndCompare(io, { url, flag: '--store' }, key, options);
    const replaced = old === fingerprint ? undefined : old;
    const text = `stored  ${String(fingerprint)}, now version ${String(version)}`;
    const more = replaced === undefined ? '' : `; it replaced the key ${replaced}`;
    printResult(io, json, { version, fingerprint, replaced }, `${text}${more}`);
    tell(io, 'The key was read back from the store and is the same.');
  } finally {
    key.fill(0);
  }
}

/** Returns the fingerprint of the key that a file holds, `undefined` if none can be read there; other stores are not asked. */
async function readOldKey(io: CliIo, options: CommandOptions): Promise<string | undefined> {
  if (options.store?.startsWith('file://') !== true) return undefined;
  try {
    const { bytes, fingerprint } = await loadStoredKey(io, await openStore(io, options), options);
    bytes.fill(0);
    return fingerprint;
  } catch {
    // Whether it can be written is for the write to tell.
    return undefined;
  }
}
