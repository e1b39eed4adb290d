import type {
  EncryptedDataKey,
  KeyringNode,
  NodeDecryptionMaterial,
  NodeEncryptionMaterial,
} from '@aws-crypto/material-management-node';
import {
  allocateBytes,
  asUint8Array,
  copyBytes,
  isGoldKeyError,
  KeyDecryptError,
  KeyFormatError,
  KeyProviderError,
  nodeCrypto,
  type EncryptedKey,
  type EncryptionContext,
  type KeyCipher,
} from '../core/index.js';
import { bindContext, contextKeys } from '../providers/shared/encryption-context.js';
import { AWS_KMS } from '../providers/shared/kms/errors.js';
import type { EncryptionSdk } from './encryption-sdk.js';

/** The means by which one message is encrypted or decrypted. */
export interface KeyringOptions {
  readonly ciphers: readonly KeyCipher[];
  readonly bind: EncryptionContext | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether a message without a signature fails. */
  readonly mustBeSigned: boolean;
}

/** The keys of one message. */
export interface MessageKeyring {
  readonly keyring: KeyringNode;
  /** Returns whether the message that is read has a signature, which holds only at its end. */
  isSigned(): boolean;
  /** The error of a cipher or of a check, which tells more than what the SDK makes of it. */
  getFailure(): unknown;
  /** Zeroes the data key and what the SDK copied of it. */
  dispose(): void;
}

type Material = NodeEncryptionMaterial | NodeDecryptionMaterial;

/** Longest id and ciphertext that a message has room for. */
const MAX_TEXT_BYTES = 65_535;

/** The pairs that the SDK adds itself. */
export const RESERVED_PREFIX = 'aws-crypto-';
const SIGNER_KEY = `${RESERVED_PREFIX}public-key`;

/** Creates the keyring of one message over the user's ciphers; the first encrypts. */
export function createKeyring({ materials }: EncryptionSdk, options: KeyringOptions): MessageKeyring {
  const { ciphers, signal, mustBeSigned } = options;
  const { EncryptedDataKey: EncryptedDataKeyClass, KeyringNode: KeyringClass, KeyringTraceFlag } = materials;
  const cleanups: (() => void)[] = [];
  let failure: unknown;
  let signed = true;
  let isDisposed = false;

  const setDataKey = <M extends Material>(material: M, dataKey: Uint8Array, flags: number): M => {
    // The name is in the SDK's trace, which nobody sees.
    const trace = { keyNamespace: 'goldkey', keyName: 'goldkey', flags };
    if (isDisposed) throw new Error('The message was given up.');
    // The SDK keeps a KeyObject and zeroes these bytes; what it exports of it, it would leave in memory.
    material.setUnencryptedDataKey(dataKey, trace);
    cleanups.push(() => material.zeroUnencryptedDataKey());
    const held = material.getUnencryptedDataKey() as { export(): Uint8Array };
    const exportKey = held.export.bind(held);
    held.export = () => {
      const exported = exportKey();
      cleanups.push(() => exported.fill(0));
      return exported;
    };
    return material;
  };

  const fail = (error: unknown): never => {
    failure = error;
    // The SDK would take what is falsy for no error, and wait for ever.
    throw new KeyProviderError('The cipher failed, and gave no error.', { provider: ciphers[0]?.name });
  };

  const keyring = new (class extends KeyringClass {
    async _onEncrypt(material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> {
      const cipher = ciphers[0] as KeyCipher;
      const dataKey = nodeCrypto().randomFillSync(allocateBytes(material.suite.keyLengthBytes));
      try {
        // Before the cipher has it, which may zero what it is given.
        setDataKey(material, copyBytes(dataKey), KeyringTraceFlag.WRAPPING_KEY_GENERATED_DATA_KEY);
        const answer = await cipher.encrypt(dataKey, {
          bind: subtract(material.encryptionContext, cipher.encryptionContext),
          raw: true,
          signal,
        });
        return material.addEncryptedDataKey(
          new EncryptedDataKeyClass(readEncrypted(cipher, answer)),
          KeyringTraceFlag.WRAPPING_KEY_ENCRYPTED_DATA_KEY | KeyringTraceFlag.WRAPPING_KEY_SIGNED_ENC_CTX,
        );
      } catch (error) {
        return fail(error);
      } finally {
        dataKey.fill(0);
      }
    }

    async _onDecrypt(
      material: NodeDecryptionMaterial,
      encryptedDataKeys: EncryptedDataKey[],
    ): Promise<NodeDecryptionMaterial> {
      try {
        signed = material.suite.signatureCurve !== undefined;
        if (mustBeSigned && !signed) {
          throw new KeyDecryptError(
            'The message has no signature; if it was made so on purpose, set `signed` to false to decrypt it.',
            { provider: ciphers[0]?.name },
          );
        }
        const { encryptionContext, suite } = material;
        const dataKey = await decryptDataKey(options, encryptionContext, encryptedDataKeys, suite.keyLengthBytes);
        try {
          return setDataKey(material, dataKey, KeyringTraceFlag.WRAPPING_KEY_DECRYPTED_DATA_KEY);
        } finally {
          dataKey.fill(0);
        }
      } catch (error) {
        return fail(error);
      }
    }
  })();

  return {
    keyring,
    isSigned: () => signed,
    getFailure: () => failure,
    dispose() {
      isDisposed = true;
      cleanups.splice(0).forEach((cleanup) => cleanup());
    },
  };
}

/**
 * Returns the EncryptionContext of a message: the cipher's pinned pairs, which stand in the message too, and those of
 * `bind`.
 */
export function messageContext(cipher: KeyCipher, bind: EncryptionContext | undefined): EncryptionContext {
  return bindContext(cipher.encryptionContext, bind);
}

/** Decrypts the first data key that one of the ciphers takes. A failure of a key service tells more than a refusal. */
async function decryptDataKey(
  { ciphers, bind, signal }: KeyringOptions,
  context: EncryptionContext,
  encryptedDataKeys: readonly EncryptedDataKey[],
  length: number,
): Promise<Uint8Array> {
  const provider = ciphers[0]?.name;
  const fitting = ciphers.filter((cipher) => isSame(messageContext(cipher, bind), context));
  if (fitting.length === 0) {
    throw new KeyDecryptError(
      `The message has another context than the pairs of \`encryptionContext\` and \`bind\`; names in the message: ${contextKeys(withoutSigner(context))}.`,
      { provider },
    );
  }
  let cause: unknown;
  for (const { providerId, providerInfo: keyId, encryptedDataKey } of encryptedDataKeys) {
    for (const cipher of fitting) {
      const { name, encryptionContext } = cipher;
      if (providerId !== name || !cipher.accepts({ cipher: name, keyId, encryptionContext })) continue;
      try {
        const answer = await cipher.decrypt(fromBytes(cipher, encryptedDataKey), {
          bind: subtract(context, encryptionContext),
          signal,
        });
        const decrypted = asUint8Array(answer);
        if (decrypted === undefined) {
          throw new KeyProviderError('The cipher decrypted a data key to something else than a Uint8Array.', {
            provider: name,
          });
        }
        try {
          if (decrypted.length === length) return copyBytes(decrypted);
        } finally {
          decrypted.fill(0);
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!isDamage(cause)) cause ??= error;
        else cause = error;
      }
    }
  }
  if (cause !== undefined && !isDamage(cause)) throw cause;
  throw new KeyDecryptError(
    'No data key of the message could be decrypted: the message is damaged, or was made under the key of another cipher.',
    { provider, cause },
  );
}

/** Returns whether an error is about the message, not about the key service. */
function isDamage(error: unknown): boolean {
  const isGoldKey = isGoldKeyError(error);
  if (isGoldKey) return error instanceof KeyDecryptError || error instanceof KeyFormatError;
  return (error as { code?: unknown } | undefined)?.code === 'ERR_INVALID_ARG_VALUE';
}

/** Returns the pairs that a cipher is given as `bind`: the message's, without those that it has pinned. */
function subtract(context: EncryptionContext, pinned: EncryptionContext): EncryptionContext {
  return Object.fromEntries(Object.entries(context).filter(([key]) => !Object.hasOwn(pinned, key)));
}

function withoutSigner(context: EncryptionContext): EncryptionContext {
  return Object.fromEntries(Object.entries(context).filter(([key]) => key !== SIGNER_KEY));
}

/** Returns whether a message's context is the expected one and nothing else, but for what the SDK added. */
function isSame(expected: EncryptionContext, context: EncryptionContext): boolean {
  const found = Object.entries(withoutSigner(context));
  return (
    found.length === Object.keys(expected).length &&
    found.every(([key, value]) => Object.hasOwn(expected, key) && expected[key] === value)
  );
}

/** Returns what a cipher has encrypted as a message holds it. One without a text of each kind could never be read again. */
function readEncrypted(cipher: KeyCipher, answer: EncryptedKey): ConstructorParameters<typeof EncryptedDataKey>[0] {
  const { ciphertext, keyId } = (answer ?? {}) as Partial<EncryptedKey>;
  const fits = (text: unknown): text is string =>
    typeof text === 'string' && text !== '' && Buffer.byteLength(text) <= MAX_TEXT_BYTES;
  if (fits(ciphertext) && fits(keyId))
    return { providerId: cipher.name, providerInfo: keyId, encryptedDataKey: toBytes(cipher, ciphertext) };
  throw new KeyProviderError(
    'The cipher encrypted a data key without a `ciphertext` or a `keyId`: texts of 1 to 65,535 bytes were expected.',
    { provider: cipher.name },
  );
}

/** Returns a cipher's text as a message holds it: the bytes of KMS, which other languages look for, and any other text as it is. */
function toBytes({ name }: KeyCipher, ciphertext: string): Uint8Array {
  return copyBytes(Buffer.from(ciphertext, name === AWS_KMS ? 'base64' : 'utf8'));
}

function fromBytes({ name }: KeyCipher, encryptedDataKey: Uint8Array): string | Uint8Array {
  return name === AWS_KMS ? encryptedDataKey : Buffer.from(encryptedDataKey).toString('utf8');
}
