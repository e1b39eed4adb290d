import {
  checkOptionNames,
  computeFingerprint,
  KeyProviderError,
  type Clock,
  type EncryptedKey,
  type EncryptionContext,
} from '../../core/index.js';
import type { DecryptOrder } from '../shared/ciphertext-provider.js';
import { callKms, kmsLink, type KmsLink } from './client.js';
import { checkAnswer, decrypted, grants, pinnedKey, type PinnedKey } from '../shared/kms/decrypt.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import type { KmsKeyOptions } from './options.js';

/** One KMS key and the way to it: what `fromKms` and `kmsCipher` have in common. */
export interface KmsKey extends PinnedKey {
  readonly link: KmsLink;
}

/** Checks the options that both take. */
export function kmsKey(of: string, options: KmsKeyOptions, more: readonly string[]): KmsKey {
  checkOptionNames(of, options, [...more, 'keyId', 'region', 'client', 'clientConfig', 'grantTokens']);
  return { ...pinnedKey(options), link: kmsLink(options) };
}

/** Decrypts through the AWS SDK, as {@link decrypted} does it. */
export function decryptWithKms(key: KmsKey, order: DecryptOrder): Promise<Uint8Array> {
  return decrypted(
    (input, call, options) =>
      callKms(key.link, call, (sdk, client, http) => client.send(new sdk.DecryptCommand(input), http), options),
    key,
    order,
  );
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
    fingerprint: computeFingerprint(plaintext),
    createdAt: clock.now(),
  };
}
