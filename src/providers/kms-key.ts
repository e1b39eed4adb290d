import {
  checkNames,
  fingerprintOf,
  invalidRange,
  invalidType,
  KeyDecryptError,
  kindOf,
  KeyProviderError,
  optionalString,
  type Clock,
  type EncryptedKey,
  type EncryptionContext,
} from '../core/index.js';
import type { DecryptOrder } from './ciphertext-provider.js';
import { callKms, kmsLink, type KmsLink } from './kms-client.js';
import { AWS_KMS } from './kms-errors.js';
import { headerHint } from './kms-header.js';
import { isAlias, mayBeSameKey } from './kms-key-id.js';
import type { KmsKeyOptions } from './kms-options.js';

/** One KMS key and the way to it: what `fromKms` and `kmsCipher` have in common. */
export interface KmsKey {
  readonly link: KmsLink;
  readonly keyId: string | undefined;
  readonly grantTokens: readonly string[] | undefined;
}

/** Checks the options that both take. */
export function kmsKey(of: string, options: KmsKeyOptions, more: readonly string[]): KmsKey {
  checkNames(of, options, [...more, 'keyId', 'region', 'client', 'clientConfig', 'grantTokens']);
  const keyId = optionalString('keyId', options.keyId);
  if (keyId?.startsWith('arn:') === true && keyId.split(':')[2] !== 'kms') {
    throw invalidRange('`keyId` must be the ARN, id or alias of a KMS key; this ARN is of another service.');
  }
  const { grantTokens } = options;
  if (
    grantTokens !== undefined &&
    !(Array.isArray(grantTokens) && grantTokens.every((token) => typeof token === 'string'))
  ) {
    throw invalidType(`\`grantTokens\` must be an array of strings, got ${kindOf(grantTokens)}.`);
  }
  return { link: kmsLink(options), keyId, grantTokens: grantTokens === undefined ? undefined : [...grantTokens] };
}

/** Decrypts under the pinned key. The plaintext is handed over in a buffer of its own; the SDK's is zeroed. */
export async function decryptWithKms(key: KmsKey, order: DecryptOrder): Promise<Uint8Array> {
  const { ciphertext, context, version, signal, clock } = order;
  const { keyId, link } = key;
  const answer = await callKms(
    link,
    { operation: 'Decrypt', keyId, context, version, hint: headerHint(ciphertext) },
    (sdk, client, http) =>
      client.send(
        new sdk.DecryptCommand({
          CiphertextBlob: ciphertext,
          EncryptionContext: context,
          ...(keyId === undefined ? {} : { KeyId: keyId }),
          ...grants(key),
        }),
        http,
      ),
    { signal, clock, discard: (late) => late.Plaintext?.fill(0) },
  );
  const { Plaintext: plaintext, KeyId: answered } = answer;
  try {
    if (plaintext === undefined || plaintext.byteLength === 0) {
      throw new KeyProviderError(
        'AWS KMS answered Decrypt without a plaintext; a client that sends a `Recipient` (a Nitro enclave) gets a CiphertextForRecipient instead, which is not supported.',
        { provider: AWS_KMS, version },
      );
    }
    checkAnswer(keyId, answered, version);
    // A copy made by hand: `slice` on a Buffer would share its memory, and the SDK's bytes may lie in Node's pool.
    const own = new Uint8Array(plaintext.byteLength);
    own.set(plaintext);
    return own;
  } finally {
    plaintext?.fill(0);
  }
}

/** Encrypts under the pinned key; the answer names the key by its ARN. */
export async function encryptWithKms(
  key: KmsKey & { readonly keyId: string },
  order: { plaintext: Uint8Array; context: EncryptionContext; signal: AbortSignal | undefined; clock: Clock },
): Promise<EncryptedKey> {
  const { plaintext, context, signal, clock } = order;
  const { keyId, link } = key;
  const { CiphertextBlob: ciphertext, KeyId: answered } = await callKms(
    link,
    { operation: 'Encrypt', keyId, context },
    (sdk, client, http) =>
      client.send(
        new sdk.EncryptCommand({ KeyId: keyId, Plaintext: plaintext, EncryptionContext: context, ...grants(key) }),
        http,
      ),
    { signal, clock },
  );
  if (ciphertext === undefined || ciphertext.byteLength === 0 || answered === undefined) {
    throw new KeyProviderError('AWS KMS answered Encrypt without a ciphertext or without the key it used.', {
      provider: AWS_KMS,
    });
  }
  checkAnswer(keyId, answered, undefined);
  return {
    ciphertext: Buffer.from(ciphertext).toString('base64'),
    keyId: answered,
    encryptionContext: context,
    fingerprint: fingerprintOf(plaintext),
    createdAt: clock.now(),
  };
}

/** KMS says which key it used. It is asked to use one only, but a proxy or a stand-in may not care. */
function checkAnswer(keyId: string | undefined, answered: string | undefined, version: string | undefined): void {
  if (keyId === undefined || isAlias(keyId)) return;
  if (answered !== undefined && mayBeSameKey(keyId, answered)) return;
  throw new KeyDecryptError(
    `AWS KMS used ${answered === undefined ? 'a key it did not name' : `the key \`${answered}\``}, not \`${keyId}\` as \`keyId\` demands.`,
    { provider: AWS_KMS, version },
  );
}

function grants({ grantTokens }: KmsKey): { GrantTokens?: string[] } {
  return grantTokens === undefined ? {} : { GrantTokens: [...grantTokens] };
}
