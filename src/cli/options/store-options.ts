import { KeyProviderError, type EncryptionContext } from '../../core/index.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import { canPrompt, promptHidden } from '../input/prompt.js';
import { readTextFile } from '../input/read-key.js';

/** The options that say where the master key is. */
export interface StoreOptions {
  keyId?: string | undefined;
  region?: string | undefined;
  profile?: string | undefined;
  endpointUrl?: string | undefined;
  local?: boolean | undefined;
  masterKey?: string | undefined;
  store?: string | undefined;
  encryptionContext?: EncryptionContext | undefined;
}

/** The options that say which ciphertext. */
export interface CiphertextOptions {
  ciphertext?: string | undefined;
  ciphertextFile?: string | undefined;
}

/** The options that say which ring. */
export interface RingOptions {
  ring?: string | undefined;
  name?: string | undefined;
}

/** The options of whatever takes a key from where it lives. */
export interface KeyOptions extends StoreOptions, CiphertextOptions, RingOptions {}

/** The configuration of the KMS client: only what was said, so that the SDK's own defaults hold for the rest. */
export function clientConfigOf(io: CliIo, { profile, endpointUrl }: StoreOptions): Record<string, unknown> {
  return {
    ...(profile !== undefined && { profile }),
    ...(endpointUrl !== undefined && { endpoint: endpointUrl }),
    // The SDK's default chain hands this to a profile that has `mfa_serial`.
    async mfaCodeProvider(serial: string): Promise<string> {
      if (!canPrompt(io)) {
        // One of our own errors, because a store passes those on as they are.
        throw new KeyProviderError(`The profile asks for an MFA code of ${serial}: run it on a terminal.`, {
          retryable: false,
        });
      }
      return promptHidden(io, `MFA code of ${serial}: `);
    },
  };
}

/** The EncryptionContext, which has to be said. */
export function contextOf({ encryptionContext }: StoreOptions): EncryptionContext {
  if (encryptionContext !== undefined) return encryptionContext;
  throw new UsageError(
    "--encryption-context is required, e.g. --encryption-context service=gold-data-stream ('{}' for none).",
  );
}

/** The ciphertext, from the command line or a file. */
async function ciphertextOf({ ciphertext, ciphertextFile }: CiphertextOptions): Promise<string> {
  if (ciphertext !== undefined && ciphertextFile !== undefined) {
    throw new UsageError('--ciphertext and --ciphertext-file exclude each other.');
  }
  if (ciphertext !== undefined) return ciphertext.trim();
  if (ciphertextFile === undefined) throw new UsageError('--ciphertext BASE64 or --ciphertext-file FILE is required.');
  return (await readTextFile('--ciphertext-file', ciphertextFile)).trim();
}

/** The ciphertext as a key store takes it: a file is read at each load, so that a key that replaced a refused one is found. */
export async function ciphertextSourceOf(options: CiphertextOptions): Promise<string | (() => Promise<string>)> {
  // Now too: an option that is wrong is no failure of the store.
  const ciphertext = await ciphertextOf(options);
  return options.ciphertextFile === undefined ? ciphertext : () => readAgain(options);
}

async function readAgain(options: CiphertextOptions): Promise<string> {
  try {
    return await ciphertextOf(options);
  } catch (error) {
    // While the file is being replaced the key in use serves on.
    throw new KeyProviderError((error as Error).message, { provider: 'file' });
  }
}
