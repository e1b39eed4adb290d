import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { callAws, type AwsCallOptions, type AwsSend } from './aws-call.js';
import { awsLinks, type AwsLink, type AwsLinkOptions } from './aws-client.js';
import { AWS_KMS, kmsError, type KmsCall } from './kms-errors.js';
import { packageLoader } from './load-package.js';

/** The package, however it was loaded. */
export type KmsSdk = typeof import('@aws-sdk/client-kms');

/** A way to KMS that connects when first used. */
export type KmsLink = AwsLink<KmsSdk, KMSClient>;

/** What a call to KMS sends. */
export type KmsSend<T> = AwsSend<KmsSdk, KMSClient, T>;

/** Makes links to KMS; the one place that loads its SDK. */
export const kmsLink: (options: AwsLinkOptions) => KmsLink = awsLinks<KmsSdk, KMSClient>({
  title: 'AWS KMS',
  provider: AWS_KMS,
  clientType: 'KMSClient',
  load: packageLoader(
    { need: 'goldkey/kms needs the AWS SDK for KMS', name: '@aws-sdk/client-kms', provider: AWS_KMS },
    (createRequire) => createRequire(import.meta.url)('@aws-sdk/client-kms') as KmsSdk,
    () => import('@aws-sdk/client-kms'),
  ),
  build: (sdk, config) => new sdk.KMSClient(config as KMSClientConfig),
});

/** One call to KMS, as {@link callAws} does it. */
export function callKms<T>(link: KmsLink, call: KmsCall, send: KmsSend<T>, options: AwsCallOptions<T>): Promise<T> {
  return callAws(link, send, (error) => kmsError(error, call), options);
}
