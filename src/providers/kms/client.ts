import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import {
  AWS_CONNECTION_OPTIONS,
  awsService,
  type AwsConnection,
  type AwsConnectionOptions,
  type AwsService,
} from '../../aws/client.js';
import { checkOptionNames } from '../../core/index.js';
import { packageLoader } from '../../util/load-package.js';
import type { DecryptOrder } from '../shared/ciphertext-provider.js';
import { decryptWithKey } from '../shared/kms/decrypt.js';
import { AWS_KMS, KMS_ERRORS, type KmsCall } from '../shared/kms/errors.js';
import { checkPinnedKey, PINNED_KEY_OPTIONS, type PinnedKey, type PinnedKeyOptions } from '../shared/kms/pinned-key.js';
import type { KmsSdk } from './sdk.js';

export const connectToKms: AwsService<KmsSdk, KMSClient, KmsCall> = awsService({
  errors: KMS_ERRORS,
  clientType: 'KMSClient',
  load: packageLoader(
    { need: 'goldkey/kms needs the AWS SDK for KMS', name: '@aws-sdk/client-kms', provider: AWS_KMS },
    () => import('./sdk.js').then(({ sdk }) => sdk),
    import.meta.url,
  ),
  createClient: (sdk, config) => new sdk.KMSClient(config as KMSClientConfig),
});

/** One KMS key and the connection to it, which `fromKms` and `kmsCipher` have in common. */
export interface KmsKey extends PinnedKey {
  readonly connection: AwsConnection<KmsSdk, KMSClient, KmsCall>;
}

/** Checks the options that both take. `names` are the caller's other options. */
export function checkKmsKey(
  caller: string,
  options: PinnedKeyOptions & AwsConnectionOptions,
  names: readonly string[],
): KmsKey {
  checkOptionNames(caller, options, [...names, ...PINNED_KEY_OPTIONS, ...AWS_CONNECTION_OPTIONS]);
  return { ...checkPinnedKey(options), connection: connectToKms(options) };
}

export function decryptWithKms(key: KmsKey, order: DecryptOrder): Promise<Uint8Array> {
  return decryptWithKey(
    (input, call, options) =>
      key.connection.call(call, (sdk, client, http) => client.send(new sdk.DecryptCommand(input), http), options),
    key,
    order,
  );
}
