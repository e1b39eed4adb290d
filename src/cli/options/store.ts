import type { KeyCipher, KeyProvider } from '../../core/index.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import { canPrompt } from '../input/prompt.js';
import { ciphertextSourceOf, clientConfigOf, contextOf, type KeyOptions, type StoreOptions } from './store-options.js';

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
    const { localCipher } = await import('../../providers/local/index.js');
    return localCipher({ masterKeyFile: file, encryptionContext });
  }
  const { keyId, region } = options;
  if (keyId === undefined) throw new UsageError('--key-id is required, e.g. --key-id alias/gold-api-keys.');
  const { kmsCipher } = await import('../../providers/kms/index.js');
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
    const { fromLocal } = await import('../../providers/local/index.js');
    return fromLocal({ masterKeyFile: file, ciphertext, encryptionContext });
  }
  const { keyId, region } = options;
  const { fromKms } = await import('../../providers/kms/index.js');
  return fromKms({ ciphertext, encryptionContext, keyId, region, clientConfig: clientConfigOf(io, options) });
}

async function ringProviderOf(io: CliIo, options: KeyOptions): Promise<KeyProvider> {
  if (options.ciphertext !== undefined || options.ciphertextFile !== undefined) {
    throw new UsageError('--ring holds its ciphertexts itself: it cannot go with --ciphertext or --ciphertext-file.');
  }
  const { ringOf } = await import('./ring-url.js');
  const { store, name } = await ringOf(io, options);
  const { fromKeyRing } = await import('../../rotation/index.js');
  return fromKeyRing({ ring: store, name, cipher: await cipherOf(io, options) });
}

/** How long a key may take: somebody may have to type an MFA code. */
export function keyTimeoutOf(io: CliIo, options: StoreOptions): number {
  return options.local !== true && canPrompt(io) ? 120_000 : 10_000;
}
