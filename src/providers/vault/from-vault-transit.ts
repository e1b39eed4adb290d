import {
  getRequestClock,
  computeFingerprint,
  invalidType,
  isGoldKeyError,
  KeyProviderError,
  describeType,
  systemClock,
  deriveCiphertextVersion,
  type EncryptionContext,
  type KeyCipher,
  type KeyProvider,
} from '../../core/index.js';
import { checkCipherCall, withPlaintext } from '../shared/create-cipher.js';
import { bindContext, checkContext, isPinnedContext } from '../shared/encryption-context.js';
import { raceAbort } from '../../util/deadline.js';
import {
  decryptWithTransit,
  encryptWithTransit,
  transitCiphertext,
  transitKey,
  VAULT_TRANSIT,
  type TransitKeyOptions,
} from './transit-key.js';

/** `undefined` stands for an unset variable. */
export type TransitCiphertext = string | undefined;

/** Options of {@link fromVaultTransit}. */
export interface FromVaultTransitOptions extends TransitKeyOptions {
  /**
   * `vault:v1:…`, safe in Git (space around it is cut off), or a function that is read at every load, so that a refused
   * key can be re-read from wherever configuration lives. `undefined` (an unset variable) makes a load fail with a
   * `KeyNotFoundError` that says so.
   */
  ciphertext: TransitCiphertext | (() => TransitCiphertext | Promise<TransitCiphertext>);
  /** What the key was encrypted with, letter for letter, at most 8 KB. Default: none. */
  encryptionContext?: EncryptionContext | undefined;
}

/**
 * A key store over one ciphertext of Vault's transit engine: Vault keeps the key that encrypts, Git the ciphertext. It has a
 * `current` key only; for two live keys see `goldkey/rotation` and {@link transitCipher}.
 *
 * The EncryptionContext travels as `associated_data`: its JSON without spaces and with sorted names, in base64. The token
 * needs `update` on `<mount>/decrypt/<keyName>`. Tries and timeouts are those of {@link fromVault}; `version` is `c-` and
 * the first 8 hex digits of SHA-256(ciphertext).
 *
 * @param options - see {@link FromVaultTransitOptions} and {@link VaultConnection}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it forgets the token
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, or an address over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no ciphertext (an unset variable), or no such mount
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the ciphertext is not one of the transit engine, or not whole
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: damaged ciphertext, another EncryptionContext, another key,
 * one that is gone, or a version of it that may no longer decrypt
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: the token is not valid, or its policies refuse
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: as for {@link fromVault}
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: Vault did not answer within 2 s, three times
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
  const key = transitKey('fromVaultTransit', options, ['ciphertext', 'encryptionContext']);
  const { ciphertext: source } = options;
  if (source !== undefined && typeof source !== 'string' && typeof source !== 'function') {
    throw invalidType(`\`ciphertext\` must be a string or a function that returns one, got ${describeType(source)}.`);
  }
  const context = checkContext('encryptionContext', options.encryptionContext ?? {});
  return {
    name: VAULT_TRANSIT,
    async load(request) {
      const { stage, signal } = request;
      signal.throwIfAborted();
      if (stage !== 'current') return undefined;
      const ciphertext = transitCiphertext(await raceAbort(readSource(source), signal));
      const version = deriveCiphertextVersion(Buffer.from(ciphertext));
      // `known` is not answered: an unchanged ciphertext does not mean that it may still be decrypted.
      const order = { context, signal, clock: getRequestClock(request), version };
      return { bytes: await decryptWithTransit(key, ciphertext, order), version };
    },
    close() {
      key.link.close();
      return Promise.resolve();
    },
  };
}

/**
 * Encrypts and decrypts API keys under one key of Vault's transit engine and one EncryptionContext: for key rings, and for
 * encrypting a key in a program of one's own.
 *
 * `encrypt` takes 1 to 4_096 bytes and needs `update` on `<mount>/encrypt/<keyName>`. Do not give `create` there: with it
 * Vault makes a key of any name that it is asked for. `decrypt` hands over a buffer that the caller zeroes. Both fail as
 * the loads of {@link fromVaultTransit} do. The `keyId` is `<mount>/<keyName>`: which Vault that is, the address says.
 *
 * @param options - the transit key, the context, which may be `{}`, and how to get to Vault; copied
 * @returns a cipher; `close` forgets the token
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, or an address over plain http
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by `encrypt`: an empty key, or one over 4_096 bytes
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
  const key = transitKey('transitCipher', options, ['encryptionContext']);
  const context = checkContext('encryptionContext', options.encryptionContext);
  return {
    name: VAULT_TRANSIT,
    encryptionContext: context,
    accepts: (version) =>
      version.cipher === VAULT_TRANSIT &&
      version.keyId === key.id &&
      isPinnedContext(context, version.encryptionContext),
    async encrypt(plain, call = {}) {
      const { bind, signal } = checkCipherCall('encrypt', call);
      signal?.throwIfAborted();
      const bound = bindContext(context, bind);
      return await withPlaintext(plain, VAULT_TRANSIT, async (plaintext) => ({
        ciphertext: await encryptWithTransit(key, plaintext, { context: bound, signal, clock: systemClock }),
        keyId: key.id,
        encryptionContext: bound,
        fingerprint: computeFingerprint(plaintext),
        createdAt: systemClock.now(),
      }));
    },
    async decrypt(ciphertext, call = {}) {
      const { bind, signal } = checkCipherCall('decrypt', call);
      const order = { context: bindContext(context, bind), signal, clock: systemClock };
      return await decryptWithTransit(key, transitCiphertext(ciphertext), order);
    },
    close() {
      key.link.close();
      return Promise.resolve();
    },
  };
}

/** Asks the source. Its own failure says nothing about the key, so that a key in use serves on. */
async function readSource(source: unknown): Promise<unknown> {
  if (typeof source !== 'function') return source;
  try {
    return await (source as () => unknown)();
  } catch (error) {
    if (isGoldKeyError(error)) throw error;
    throw new KeyProviderError('The `ciphertext` function failed; its error is the `cause`.', {
      cause: error,
      provider: VAULT_TRANSIT,
    });
  }
}
