import { encodeKey } from '../../core/index.js';
import { readKey } from '../input/read-key.js';
import { printResult, tell, type CliRun } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { requireAll, STORE } from '../options/required.js';
import { checkWritable } from '../options/store.js';
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
    const { version, fingerprint } = await writeAndCompare(io, { url, flag: '--store' }, key, options);
    printResult(io, json, { version, fingerprint }, `stored  ${String(fingerprint)}, now version ${String(version)}`);
    tell(io, 'The key was read back from the store and is the same.');
  } finally {
    key.fill(0);
  }
}
