import { CommandError } from '../errors.js';
import type { CliIo } from '../io.js';
import { showProgress } from '../spinner.js';
import type { CommandOptions } from './command-options.js';
import { loadStoredKey, openStore, writeKeyTo, type StoredKey } from './store.js';

/** Writes a key to the store at `url`, the value of `flag`, reads it back there and compares. Resolves to what was read. */
export async function writeAndCompare(
  io: CliIo,
  place: { readonly url: string; readonly flag: string },
  key: Uint8Array,
  options: CommandOptions,
): Promise<Omit<StoredKey, 'bytes'>> {
  const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
  await showProgress(io, 'writing the key', writeKeyTo(io, place, text, options));
  const { url: store, flag } = place;
  const source = await openStore(io, { ...options, store, ring: undefined }, { flag });
  const { bytes, ...written } = await showProgress(io, 'reading it back', loadStoredKey(io, source, options));
  checkSame(key, bytes);
  return written;
}

/** Throws if the key that was read back differs; zeroes it. */
export function checkSame(key: Uint8Array, copied: Uint8Array): void {
  const isSame = Buffer.compare(key, copied) === 0;
  copied.fill(0);
  if (!isSame) throw new CommandError('The key that was read back differs: check who else writes to that store.');
}
