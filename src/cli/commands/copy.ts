import { CommandError, UsageError } from '../errors.js';
import { printResult, tell, type CliIo, type CliRun } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { isCipherUrl, loadStoredKey, openCipher, openStore, writeKeyTo, type StoredKey } from '../options/store.js';

/** Copies a key from one store to another and reads it back there. The key is never shown. */
export async function copy({ io, secrets }: CliRun, options: CommandOptions): Promise<void> {
  const { from, to } = options;
  if (from === undefined) {
    const isNamed = [options.ring, options.ciphertext, options.ciphertextFile].some((option) => option !== undefined);
    if (!isNamed) throw new UsageError('--from is required: a store, or --ring, or --ciphertext.');
    if (to === undefined) throw new UsageError('--to is required: the store to copy to.');
  }
  // The options of KMS and of a master key describe the side without a URL.
  const ring = from === undefined ? options.ring : undefined;
  const source = await openStore(io, { ...options, store: from, ring }, '--from');
  const key = await loadStoredKey(io, source, options);
  secrets.push(Buffer.from(key.bytes).toString('latin1'));
  try {
    if (to === undefined || isCipherUrl(to)) await copyToCiphertext(io, key, options);
    else await copyToStore(io, key, to, options);
    tell(io, 'The key was read back from the new place and is the same. The old place still holds it.');
  } finally {
    key.bytes.fill(0);
  }
}

async function copyToCiphertext(io: CliIo, { bytes, fingerprint }: StoredKey, options: CommandOptions): Promise<void> {
  const { to, json } = options;
  const cipher = await openCipher(io, { ...options, store: to }, '--to');
  try {
    const { ciphertext, keyId } = await cipher.encrypt(bytes);
    checkSame(bytes, await cipher.decrypt(ciphertext));
    printResult(io, json, { ciphertext, keyId, fingerprint }, ciphertext);
  } finally {
    await cipher.close?.();
  }
}

async function copyToStore(
  io: CliIo,
  { bytes, fingerprint }: StoredKey,
  to: string,
  options: CommandOptions,
): Promise<void> {
  await writeKeyTo(io, to, Buffer.from(bytes).toString('latin1'), options);
  const store = await openStore(io, { ...options, store: to, ring: undefined }, '--to');
  const copied = await loadStoredKey(io, store, options);
  checkSame(bytes, copied.bytes);
  const { version } = copied;
  const text = `copied  ${String(fingerprint)}, now version ${String(version)}`;
  printResult(io, options.json, { fingerprint, version }, text);
}

/** Throws if the key that was read back differs; zeroes it. */
function checkSame(key: Uint8Array, copied: Uint8Array): void {
  const isSame = Buffer.compare(key, copied) === 0;
  copied.fill(0);
  if (!isSame) throw new CommandError('The key that was read back differs: check who else writes to that store.');
}
