import { computeFingerprint, deriveCiphertextVersion } from '../../core/index.js';
import { decodeBase64 } from '../../util/base64.js';
import { CommandError } from '../errors.js';
import { printResult, type CliIo } from '../io.js';
import { listMissingOfCipher, readCiphertextSource, type CommandOptions } from '../options/command-options.js';
import { checkVersion, chooseVersion, loadStoredKey, openCipher, openStore } from '../options/store.js';
import { requireAll } from '../options/required.js';
import { showProgress } from '../spinner.js';

/** The version and the algorithm suite of a message, signed or not, in base64. */
const MESSAGE_STARTS = ['AgV4', 'AgR4'];

interface Verified {
  readonly version: string | undefined;
  readonly fingerprint: string | undefined;
  readonly length: number;
}

/** Decrypts the key and prints its version, fingerprint and length, never the key. */
export async function verify(io: CliIo, options: CommandOptions): Promise<void> {
  const message = await readMessage(io, options);
  const verified = message === undefined ? await verifyKey(io, options) : await verifyMessage(io, message, options);
  const { version, fingerprint, length } = verified;
  const text = `version      ${String(version)}\nfingerprint  ${String(fingerprint)}\nlength       ${String(length)}`;
  printResult(io, options.json, { version, fingerprint, length }, text);
}

async function verifyKey(io: CliIo, options: CommandOptions): Promise<Verified> {
  const asked = chooseVersion(io, options);
  const store = await openStore(io, options, { version: asked });
  const { bytes, version, fingerprint } = await showProgress(io, 'decrypting', loadStoredKey(io, store, options));
  const { length } = bytes.fill(0);
  checkVersion(version, asked, options.ring);
  return { version, fingerprint, length };
}

/** Returns the message of `encrypt --envelope` that the options name, `undefined` if they name something else. */
async function readMessage(io: CliIo, options: CommandOptions): Promise<Uint8Array | undefined> {
  const { ciphertext, ciphertextFile, envelope } = options;
  if (ciphertext === undefined && ciphertextFile === undefined && envelope !== true) return undefined;
  if (envelope === true) requireAll(listMissingOfCipher(options));
  const source = await readCiphertextSource(io, options);
  const text = typeof source === 'string' ? source : await source();
  const message = MESSAGE_STARTS.some((start) => text.startsWith(start)) ? decodeBase64(text) : undefined;
  if (message !== undefined || envelope !== true) return message;
  throw new CommandError('`ciphertext` is no message of `npx goldkey encrypt --envelope`; give it as it was printed.');
}

async function verifyMessage(io: CliIo, message: Uint8Array, options: CommandOptions): Promise<Verified> {
  const { envelope } = await import('../../envelope/index.js');
  const cipher = await openCipher(io, options);
  try {
    const plaintext = await envelope({ cipher, signed: false }).decrypt(message);
    const fingerprint = computeFingerprint(plaintext);
    return { version: deriveCiphertextVersion(message), fingerprint, length: plaintext.fill(0).length };
  } finally {
    await cipher.close?.();
  }
}
