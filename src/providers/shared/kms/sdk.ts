import { packageLoader } from '../../../util/load-package.js';
import { AWS_KMS } from './errors.js';

export type KmsSdk = typeof import('@aws-sdk/client-kms');

/** Loads the AWS SDK for KMS. No other file does. */
export const loadKmsSdk: () => Promise<KmsSdk> = packageLoader(
  { need: 'goldkey/kms needs the AWS SDK for KMS', name: '@aws-sdk/client-kms', provider: AWS_KMS },
  () => import('@aws-sdk/client-kms'),
);
