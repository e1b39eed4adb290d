import { KeyedClient, type KeyCipher, type KeyProvider } from '../../core/index.js';
import { UsageError } from '../errors.js';
import { canPrompt } from '../input/prompt.js';
import type { CliIo } from '../io.js';
import { openRing } from './ring-url.js';
import {
  buildClientConfig,
  getMasterKeyFile,
  readCiphertextSource,
  requireContext,
  type CommandOptions,
} from './command-options.js';
import { openCipherAt, openStoreAt } from './store-url.js';

/** A key and its metadata, as loaded from a store. */
export interface StoredKey {
  /** The key itself; zeroed by the caller. */
  readonly bytes: Uint8Array;
  readonly version: string | undefined;
  readonly fingerprint: string | undefined;
}

/** Opens the cipher that the options name: a store by its URL, a master-key file or a KMS key. */
export async function openCipher(io: CliIo, options: CommandOptions): Promise<KeyCipher> {
  const { keyId, region, store } = options;
  if (store !== undefined) return openCipherAt(io, store, options);
  const encryptionContext = requireContext(options);
  const masterKeyFile = getMasterKeyFile(options);
  if (masterKeyFile !== undefined) {
    const { localCipher } = await import('../../providers/local/index.js');
    return localCipher({ masterKeyFile, encryptionContext });
  }
  if (keyId === undefined) throw new UsageError('--key-id is required, e.g. --key-id alias/gold-api-keys.');
  const { kmsCipher } = await import('../../providers/kms/index.js');
  return kmsCipher({ keyId, encryptionContext, region, clientConfig: buildClientConfig(io, options) });
}

/** Opens the key store that the options name: a ring, a store by its URL or one ciphertext. */
export async function openStore(io: CliIo, options: CommandOptions): Promise<KeyProvider> {
  const { keyId, region, ring, store } = options;
  if (ring !== undefined) {
    const { fromKeyRing } = await import('../../rotation/index.js');
    const opened = await openRing(io, options);
    return fromKeyRing({ ring: opened.store, name: opened.name, cipher: await openCipher(io, options) });
  }
  if (store !== undefined) return openStoreAt(io, store, options);
  const encryptionContext = requireContext(options);
  const masterKeyFile = getMasterKeyFile(options);
  const ciphertext = await readCiphertextSource(options);
  if (masterKeyFile !== undefined) {
    const { fromLocal } = await import('../../providers/local/index.js');
    return fromLocal({ masterKeyFile, ciphertext, encryptionContext });
  }
  const { fromKms } = await import('../../providers/kms/index.js');
  return fromKms({ ciphertext, encryptionContext, keyId, region, clientConfig: buildClientConfig(io, options) });
}

/** Loads the current key through a client, so that it is checked like any other, and closes the store. */
export async function loadStoredKey(io: CliIo, keyProvider: KeyProvider, options: CommandOptions): Promise<StoredKey> {
  const keyTimeout = chooseKeyTimeout(io, options);
  await using client = new KeyedClient({ keyProvider, keyTimeout, timeout: keyTimeout });
  const bytes = await client.withKey(({ bytes: held }) => Promise.resolve(held.slice()));
  const { version, fingerprint } = client.status();
  return { bytes, version, fingerprint };
}

/** Returns how long loading a key may take, in ms: two minutes where the user may have to type an MFA code. */
export function chooseKeyTimeout(io: CliIo, { local }: CommandOptions): number {
  return local !== true && canPrompt(io) ? 120_000 : 10_000;
}
