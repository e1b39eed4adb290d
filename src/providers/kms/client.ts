import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { callAws, type AwsCallOptions, type AwsSend } from '../../aws/call.js';
import { awsLinks, type AwsLink, type AwsLinkOptions } from '../../aws/client.js';
import { AWS_KMS, kmsError, type KmsCall } from '../shared/kms/errors.js';
import { loadKmsSdk, type KmsSdk } from '../shared/kms/sdk.js';

/** A way to KMS that connects when first used. */
export type KmsLink = AwsLink<KmsSdk, KMSClient>;

/** What a call to KMS sends. */
export type KmsSend<T> = AwsSend<KmsSdk, KMSClient, T>;

/** Makes links to KMS. */
export const kmsLink: (options: AwsLinkOptions) => KmsLink = awsLinks<KmsSdk, KMSClient>({
  title: 'AWS KMS',
  provider: AWS_KMS,
  clientType: 'KMSClient',
  load: loadKmsSdk,
  build: (sdk, config) => new sdk.KMSClient(config as KMSClientConfig),
});

/** One call to KMS, as {@link callAws} does it. */
export function callKms<T>(link: KmsLink, call: KmsCall, send: KmsSend<T>, options: AwsCallOptions<T>): Promise<T> {
  return callAws(link, send, (error) => kmsError(error, call), options);
}
