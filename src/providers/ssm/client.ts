import type { SSMClient, SSMClientConfig } from '@aws-sdk/client-ssm';
import { awsService, type AwsService } from '../../aws/client.js';
import { packageLoader } from '../../util/load-package.js';
import { SSM, SSM_ERRORS, type SsmCall } from './errors.js';

type SsmSdk = typeof import('@aws-sdk/client-ssm');

export const connectToSsm: AwsService<SsmSdk, SSMClient, SsmCall> = awsService({
  errors: SSM_ERRORS,
  clientType: 'SSMClient',
  load: packageLoader(
    { need: 'goldkey/ssm needs the AWS SDK for Systems Manager', name: '@aws-sdk/client-ssm', provider: SSM },
    () => import('@aws-sdk/client-ssm'),
  ),
  createClient: (sdk, config) => new sdk.SSMClient(config as SSMClientConfig),
});
