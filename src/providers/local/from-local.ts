import {
  checkOptionNames,
  isGoldKeyError,
  checkString,
  type EncryptionContext,
  type KeyCipher,
  type KeyProvider,
} from '../../core/index.js';
import { CIPHERTEXT_OPTIONS, ciphertextProvider, type CiphertextOptions } from '../shared/ciphertext-provider.js';
import { createCipher } from '../shared/create-cipher.js';
import { deriveKeyId, jweText, open, seal } from './jwe.js';
import { LOCAL, withMasterKey } from './master-key.js';

/** Options that name the master key. */
export interface MasterKeyOptions {
  /**
   * The path of a regular file, not a symbolic link, with 32 bytes in base64. It must belong to this process's user and
   * give no other user access (mode 0600 or 0400). Every operation reads it anew and zeroes the key afterwards.
   */
  masterKeyFile: string;
}

/**
 * Creates a key store over one ciphertext that is decrypted with a master-key file of this host: AES-256-GCM, nothing to
 * install, no network. The ciphertext is a JWE (RFC 7516), which other JOSE libraries open too. It is for development and
 * for hosts without a key service: anyone who can read the file and the ciphertext has the key. It has a `current` key only.
 *
 * @param options - `masterKeyFile`, and `ciphertext`, `encryptionContext` and `version` as `fromKms` takes them; copied
 * @returns a key store for `keyProvider`
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no ciphertext (an unset variable), or no master-key file
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the ciphertext or the master key is malformed
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: the master-key file is a symbolic link, gives other
 * users access, or belongs to another user
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: damaged ciphertext, another context or master key
 *
 * @example
 * ```ts
 * import { fromLocal } from 'goldkey/local';
 *
 * const keyProvider = fromLocal({
 *   masterKeyFile: './master.key',
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream' },
 * });
 * ```
 */
export function fromLocal(options: MasterKeyOptions & CiphertextOptions): KeyProvider {
  checkOptionNames('fromLocal', options, ['masterKeyFile', ...CIPHERTEXT_OPTIONS]);
  const path = checkString('masterKeyFile', options.masterKeyFile);
  return ciphertextProvider(LOCAL, options, jweText, ({ ciphertext, context, version }) =>
    withMasterKey(path, (masterKey) => open(masterKey, ciphertext, context, version)),
  );
}

/**
 * Creates a cipher for API keys under a master-key file and one EncryptionContext: for key rings, and for programs that
 * encrypt keys.
 *
 * `encrypt` returns a `keyId` that names the master key and reveals nothing about it.
 * `decrypt` returns a buffer that the caller zeroes. Both fail as the loads of {@link fromLocal} do.
 *
 * @param options - the master-key file and the context, which may be `{}`; copied
 * @returns a cipher; it has no `close`
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: as {@link fromLocal} does
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by `encrypt`: no client would accept the key, or it has over 4_096 bytes
 *
 * @example
 * ```ts
 * import { createMasterKey, localCipher } from 'goldkey/local';
 *
 * await createMasterKey('./master.key');
 * const cipher = localCipher({ masterKeyFile: './master.key', encryptionContext: { service: 'gold-data-stream' } });
 * const { ciphertext, fingerprint } = await cipher.encrypt(apiKey);
 * ```
 */
export function localCipher(options: MasterKeyOptions & { encryptionContext: EncryptionContext }): KeyCipher {
  checkOptionNames('localCipher', options, ['masterKeyFile', 'encryptionContext']);
  const path = checkString('masterKeyFile', options.masterKeyFile);
  return createCipher(options.encryptionContext, {
    name: LOCAL,
    acceptsKeyId: (keyId) => mayBeKeyId(path, keyId),
    encrypt(plaintext, { context }) {
      return withMasterKey(path, (masterKey) => ({
        ciphertext: seal(masterKey, plaintext, context),
        keyId: deriveKeyId(masterKey),
      }));
    },
    decrypt(ciphertext, { context }) {
      const text = jweText(ciphertext, LOCAL);
      return withMasterKey(path, (masterKey) => open(masterKey, text, context));
    },
  });
}

/** Returns whether the file may hold the master key named `keyId`: true if it cannot be read, so that decrypting reports why. */
function mayBeKeyId(path: string, keyId: string): boolean {
  try {
    return withMasterKey(path, deriveKeyId) === keyId;
  } catch (error) {
    if (isGoldKeyError(error)) return true;
    throw error;
  }
}
