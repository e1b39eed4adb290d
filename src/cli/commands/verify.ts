import { computeFingerprint, deriveCiphertextVersion } from '../../core/index.js';
import { decodeBase64 } from '../../util/base64.js';
import { CommandError } from '../errors.js';
import { printResult, type CliIo } from '../io.js';
import { readCiphertextSource, type CommandOptions } from '../options/command-options.js';
import { loadStoredKey, openCipher, openStore } from '../options/store.js';

interface Verified {
  readonly version: string | undefined;
  readonly fingerprint: string | undefined;
  readonly length: number;
}

/** Decrypts the key and prints its version, fingerprint and length, never the key. */
export async function verify(io: CliIo, options: CommandOptions): Promise<void> {
  const message = await readMessage(options);
  const verified = message === undefined ? await verifyKey(io, options) : await verifyMessage(io, message, options);
  const { version, fingerprint, length } = verified;
  const text = `version      ${String(version)}\nfingerprint  ${String(fingerprint)}\nlength       ${String(length)}`;
  printResult(io, options.json, { version, fingerprint, length }, text);
}

async function verifyKey(io: CliIo, options: CommandOptions): Promise<Verified> {
  const { bytes, version, fingerprint } = await loadStoredKey(io, await openStore(io, options), options);
  return { version, fingerprint, length: bytes.fill(0).length };
}

/** Returns the message of `encrypt --envelope` that the options name, `undefined` if they name something else. */
async function readMessage(options: CommandOptions): Promise<Uint8Array | undefined> {
  const { ciphertext, ciphertextFile, envelope } = options;
  if (ciphertext === undefined && ciphertextFile === undefined && envelope !== true) return undefined;
  const source = await readCiphertextSource(options);
  const text = typeof source === 'string' ? source : await source();
  // The version and the algorithm suite, signed or not, in base64.
  const message = /^Ag[VR]4/.test(text) ? decodeBase64(text) : undefined;
  if (message !== undefined || envelope !== true) return message;
  throw new CommandError('`ciphertext` is no message of `goldkey encrypt --envelope`; give it as it was printed.');
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
