import { printResult, tell, type CliIo, type CliRun } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';
import { FROM, requireAll, TO, TO_OR_CIPHER } from '../options/required.js';
import {
  checkVersion,
  chooseVersion,
  isCipherUrl,
  loadStoredKey,
  openCipher,
  openStore,
  type StoredKey,
} from '../options/store.js';
import { checkSame, writeAndCompare } from '../options/write-key.js';
import { showProgress } from '../spinner.js';

/** Copies a key from one store to another and reads it back there. The key is never shown. */
export async function copy({ io, secrets }: CliRun, options: CommandOptions): Promise<void> {
  const { from, to } = options;
  const { ring: givenRing, ciphertext, ciphertextFile } = options;
  const isNamed = [from, givenRing, ciphertext, ciphertextFile].some((option) => option !== undefined);
  const { keyId, encryptionContext, local, masterKey } = options;
  const isEncrypted = [keyId, encryptionContext, local, masterKey].some((option) => option !== undefined);
  const lacksTarget = to === undefined && (from === undefined || !isEncrypted);
  requireAll([...(isNamed ? [] : [FROM]), ...(lacksTarget ? [from === undefined ? TO : TO_OR_CIPHER] : [])]);
  // The options of KMS and of a master key describe the side without a URL.
  const ring = from === undefined ? options.ring : undefined;
  const asked = chooseVersion(io, { ...options, ring });
  const source = await openStore(io, { ...options, store: from, ring }, { flag: '--from', version: asked });
  const key = await showProgress(io, 'reading the key', loadStoredKey(io, source, options));
  secrets.push(Buffer.from(key.bytes).toString('latin1'));
  try {
    checkVersion(key.version, asked, ring);
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
    const { ciphertext, keyId } = await showProgress(io, 'encrypting', Promise.resolve(cipher.encrypt(bytes)));
    checkSame(bytes, await cipher.decrypt(ciphertext));
    printResult(io, json, { ciphertext, keyId, fingerprint }, ciphertext);
  } finally {
    await cipher.close?.();
  }
}

async function copyToStore(io: CliIo, key: StoredKey, to: string, options: CommandOptions): Promise<void> {
  const { version } = await writeAndCompare(io, { url: to, flag: '--to' }, key.bytes, options);
  const { fingerprint } = key;
  const text = `copied  ${String(fingerprint)}, now version ${String(version)}`;
  printResult(io, options.json, { fingerprint, version }, text);
}
