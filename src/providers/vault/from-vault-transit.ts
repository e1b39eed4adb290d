import {
  describeType,
  invalidType,
  type EncryptionContext,
  type KeyCipher,
  type KeyProvider,
} from '../../core/index.js';
import { ciphertextProvider } from '../shared/ciphertext-provider.js';
import { createCipher } from '../shared/create-cipher.js';
import {
  checkTransitCiphertext,
  decryptWithTransit,
  encryptWithTransit,
  openTransitKey,
  VAULT_TRANSIT,
  type TransitKeyOptions,
} from './transit-key.js';

/** Options of {@link fromVaultTransit}. */
export interface FromVaultTransitOptions extends TransitKeyOptions {
  /**
   * The ciphertext, `vault:v1:…`, safe in Git (white space around it is ignored), or a function that every load calls, so
   * that a rejected key can be read anew from the configuration. If it is `undefined` (an unset variable), a load fails
   * with a `KeyNotFoundError` that says so.
   */
  ciphertext: string | undefined | (() => string | undefined | Promise<string | undefined>);
  /** The context that the key was encrypted with, letter for letter, at most 8 KB. Default: `{}`. */
  encryptionContext?: EncryptionContext | undefined;
}

/**
 * Creates a key store over one ciphertext of Vault's transit engine: Vault holds the key that encrypts, Git the ciphertext.
 * It has a `current` key only; for several see `goldkey/rotation` and {@link transitCipher}.
 *
 * The EncryptionContext is sent as `associated_data`: its JSON without spaces and with sorted names, in base64. The token
 * needs `update` on `<mount>/decrypt/<keyName>`. Retries and timeouts are those of {@link fromVault}. `version` is `c-` and
 * the first 8 hex digits of SHA-256(ciphertext).
 *
 * @param options - see {@link FromVaultTransitOptions} and {@link VaultConnection}; copied
 * @returns a key store for `keyProvider`; closing its last client forgets the token
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has the wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, or an address over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no ciphertext (an unset variable), or no such mount
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the ciphertext is not one of the transit engine, or incomplete
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: damaged ciphertext, another EncryptionContext, another key, a
 * deleted key, or a version of it that may no longer decrypt
 * @throws {KeyAccessDeniedError | KeyProviderError | KeyTimeoutError} by a load: as for {@link fromVault}
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { metalsApi } from 'goldkey/prices';
 * import { fromVaultTransit } from 'goldkey/vault';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromVaultTransit({
 *     keyName: 'gold',
 *     ciphertext: () => process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 *   ...metalsApi(),
 * });
 * ```
 */
export function fromVaultTransit(options: FromVaultTransitOptions): KeyProvider {
  const key = openTransitKey('fromVaultTransit', options, ['ciphertext', 'encryptionContext']);
  const { ciphertext: given } = options;
  if (given !== undefined && typeof given !== 'string' && typeof given !== 'function') {
    throw invalidType(`\`ciphertext\` must be a string or a function that returns one, got ${describeType(given)}.`);
  }
  const { encryptionContext = {} } = options;
  return {
    ...ciphertextProvider(
      VAULT_TRANSIT,
      { ciphertext: given, encryptionContext },
      checkTransitCiphertext,
      ({ ciphertext, ...call }) => decryptWithTransit(key, ciphertext, call),
    ),
    close: () => key.client.close(),
  };
}

/**
 * Creates a cipher that encrypts and decrypts API keys under one key of Vault's transit engine and one EncryptionContext:
 * for key rings, and to encrypt a key in a program.
 *
 * `encrypt` needs `update` on `<mount>/encrypt/<keyName>`. Do not grant `create` there: with it
 * Vault makes a key of any name that a request asks for. `decrypt` returns a buffer that the caller must zero. Both fail as
 * the loads of {@link fromVaultTransit} do. The `keyId` is `<mount>/<keyName>`; it does not name the server.
 *
 * @param options - the transit key, the context, which may be `{}`, and the {@link VaultConnection}; copied
 * @returns a cipher; `close` forgets the token
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has the wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, or an address over plain http
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by `encrypt`: no client would accept the key, or it has over 4_096 bytes
 *
 * @example
 * ```ts
 * import { transitCipher } from 'goldkey/vault';
 *
 * const cipher = transitCipher({ keyName: 'gold', encryptionContext: { service: 'gold-data-stream' } });
 * const { ciphertext, fingerprint } = await cipher.encrypt(newKey);
 * ```
 */
export function transitCipher(options: TransitKeyOptions & { encryptionContext: EncryptionContext }): KeyCipher {
  const key = openTransitKey('transitCipher', options, ['encryptionContext']);
  return createCipher(options.encryptionContext, {
    name: VAULT_TRANSIT,
    acceptsKeyId: (keyId) => keyId === key.id,
    encrypt: async (plaintext, call) => ({ ciphertext: await encryptWithTransit(key, plaintext, call), keyId: key.id }),
    decrypt: (ciphertext, call) => decryptWithTransit(key, checkTransitCiphertext(ciphertext), call),
    close: () => key.client.close(),
  });
}
