import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { awsService, type AwsConnection, type AwsConnectionOptions, type AwsService } from '../../aws/client.js';
import { checkOptionNames, KeyProviderError } from '../../core/index.js';
import type { DecryptOrder } from '../shared/ciphertext-provider.js';
import type { CipherCall } from '../shared/create-cipher.js';
import { decryptWithKey } from '../shared/kms/decrypt.js';
import { AWS_KMS, KMS_ERRORS, type KmsCall } from '../shared/kms/errors.js';
import { checkPinnedKey, checkUsedKey, type PinnedKey, type PinnedKeyOptions } from '../shared/kms/pinned-key.js';
import { loadKmsSdk, type KmsSdk } from '../shared/kms/sdk.js';

/** A connection to KMS through the AWS SDK. */
export type KmsConnection = AwsConnection<KmsSdk, KMSClient, KmsCall>;

/** Connects to KMS. */
export const connectToKms: AwsService<KmsSdk, KMSClient, KmsCall> = awsService({
  errors: KMS_ERRORS,
  clientType: 'KMSClient',
  load: loadKmsSdk,
  createClient: (sdk, config) => new sdk.KMSClient(config as KMSClientConfig),
});

/** One KMS key and the connection to it, which `fromKms` and `kmsCipher` have in common. */
export interface KmsKey extends PinnedKey {
  readonly connection: KmsConnection;
}

/** Checks the options that both take. `names` are the caller's other options. */
export function checkKmsKey(
  caller: string,
  options: PinnedKeyOptions & AwsConnectionOptions,
  names: readonly string[],
): KmsKey {
  checkOptionNames(caller, options, [...names, 'keyId', 'region', 'client', 'clientConfig', 'grantTokens']);
  return { ...checkPinnedKey(options), connection: connectToKms(options) };
}

/** Decrypts through the AWS SDK. */
export function decryptWithKms(key: KmsKey, order: DecryptOrder): Promise<Uint8Array> {
  return decryptWithKey(
    (input, call, options) =>
      key.connection.call(call, (sdk, client, http) => client.send(new sdk.DecryptCommand(input), http), options),
    key,
    order,
  );
}

/** Encrypts under the pinned key. The answer names the key by its ARN. */
export async function encryptWithKms(
  key: KmsKey & { readonly keyId: string },
  plaintext: Uint8Array,
  { context, signal, clock }: CipherCall,
): Promise<{ ciphertext: string; keyId: string }> {
  const { keyId, grantTokens, connection } = key;
  const input = { KeyId: keyId, Plaintext: plaintext, EncryptionContext: context, GrantTokens: grantTokens };
  const { CiphertextBlob: ciphertext, KeyId: usedKey } = await connection.call(
    { operation: 'Encrypt', keyId, context },
    (sdk, client, http) => client.send(new sdk.EncryptCommand(input), http),
    { signal, clock },
  );
  if (ciphertext === undefined || ciphertext.byteLength === 0 || usedKey === undefined) {
    throw new KeyProviderError('AWS KMS answered Encrypt without a ciphertext or without the key that it used.', {
      provider: AWS_KMS,
    });
  }
  checkUsedKey(key, usedKey);
  return { ciphertext: Buffer.from(ciphertext).toString('base64'), keyId: usedKey };
}
