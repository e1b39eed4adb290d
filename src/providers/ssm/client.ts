import type { SSMClient, SSMClientConfig } from '@aws-sdk/client-ssm';
import { awsService, type AwsService } from '../../aws/client.js';
import { packageLoader } from '../../util/load-package.js';
import { SSM, SSM_ERRORS, type SsmCall } from './errors.js';
import type { SsmSdk } from './sdk.js';

export const connectToSsm: AwsService<SsmSdk, SSMClient, SsmCall> = awsService({
  errors: SSM_ERRORS,
  clientType: 'SSMClient',
  load: packageLoader(
    { need: 'goldkey/ssm needs the AWS SDK for Systems Manager', name: '@aws-sdk/client-ssm', provider: SSM },
    () => import('./sdk.js').then(({ sdk }) => sdk),
    import.meta.url,
  ),
  createClient: (sdk, config) => new sdk.SSMClient(config as SSMClientConfig),
});
