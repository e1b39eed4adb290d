import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { awsService, type AwsConnection, type AwsService } from '../../aws/client.js';
import { KMS_ERRORS, type KmsCall } from '../shared/kms/errors.js';
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
