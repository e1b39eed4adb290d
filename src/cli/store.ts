import { KeyProviderError, type EncryptionContext, type KeyCipher, type KeyProvider } from '../core/index.js';
import { UsageError } from './failure.js';
import type { CliIo } from './io.js';
import { canPrompt, promptHidden } from './prompt.js';
import { readTextFile } from './read-key.js';

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

const KMS_ONLY = [
  ['keyId', '--key-id'],
  ['region', '--region'],
  ['profile', '--profile'],
  ['endpointUrl', '--endpoint-url'],
] as const;

/** The master-key file where `--local` is given, `undefined` for KMS; a mixture of both is refused. */
export function masterKeyFile(options: StoreOptions): string | undefined {
  if (options.local !== true) {
    if (options.masterKey !== undefined) throw new UsageError('--master-key needs --local.');
    return undefined;
  }
  if (options.masterKey === undefined) throw new UsageError('--local needs --master-key FILE.');
  for (const [name, flag] of KMS_ONLY) {
    if (options[name] !== undefined) throw new UsageError(`${flag} is for KMS: it cannot go with --local.`);
  }
  return options.masterKey;
}

/** What encrypts and decrypts under the options. */
export async function cipherOf(io: CliIo, options: StoreOptions): Promise<KeyCipher> {
  if (options.store !== undefined) {
    if (options.local === true) throw new UsageError('--store and --local exclude each other.');
    const { cipherAt } = await import('./store-url.js');
    return cipherAt(options.store, options);
  }
  const encryptionContext = contextOf(options);
  const file = masterKeyFile(options);
  if (file !== undefined) {
    const { localCipher } = await import('../local.js');
    return localCipher({ masterKeyFile: file, encryptionContext });
  }
  const { keyId, region } = options;
  if (keyId === undefined) throw new UsageError('--key-id is required, e.g. --key-id alias/gold-api-keys.');
  const { kmsCipher } = await import('../kms.js');
  return kmsCipher({ keyId, encryptionContext, region, clientConfig: clientConfigOf(io, options) });
}

/** The key store under the options: one ciphertext, a ring, or a store by its URL. */
export async function providerOf(io: CliIo, options: KeyOptions): Promise<KeyProvider> {
  if (options.ring !== undefined) return ringProviderOf(io, options);
  if (options.store !== undefined) {
    if (options.local === true) throw new UsageError('--store and --local exclude each other.');
    const { storeAt } = await import('./store-url.js');
    return storeAt(io, options.store, options);
  }
  const encryptionContext = contextOf(options);
  const file = masterKeyFile(options);
  const ciphertext = await ciphertextSourceOf(options);
  if (file !== undefined) {
    const { fromLocal } = await import('../local.js');
    return fromLocal({ masterKeyFile: file, ciphertext, encryptionContext });
  }
  const { keyId, region } = options;
  const { fromKms } = await import('../kms.js');
  return fromKms({ ciphertext, encryptionContext, keyId, region, clientConfig: clientConfigOf(io, options) });
}

async function ringProviderOf(io: CliIo, options: KeyOptions): Promise<KeyProvider> {
  if (options.ciphertext !== undefined || options.ciphertextFile !== undefined) {
    throw new UsageError('--ring holds its ciphertexts itself: it cannot go with --ciphertext or --ciphertext-file.');
  }
  const { ringOf } = await import('./ring-url.js');
  const { store, name } = await ringOf(io, options);
  const { fromKeyRing } = await import('../rotation.js');
  return fromKeyRing({ ring: store, name, cipher: await cipherOf(io, options) });
}

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

/** How long a key may take: somebody may have to type an MFA code. */
export function keyTimeoutOf(io: CliIo, options: StoreOptions): number {
  return options.local !== true && canPrompt(io) ? 120_000 : 10_000;
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
