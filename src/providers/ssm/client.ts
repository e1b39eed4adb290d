import type { SSMClient, SSMClientConfig } from '@aws-sdk/client-ssm';
import { callAws, type AwsCallOptions, type AwsSend } from '../../aws/call.js';
import { awsLinks, type AwsLink, type AwsLinkOptions } from '../../aws/client.js';
import { packageLoader } from '../../util/load-package.js';
import { SSM, ssmError, type SsmCall } from './errors.js';

/** The package, however it was loaded. */
type SsmSdk = typeof import('@aws-sdk/client-ssm');

/** A way to Parameter Store that connects when first used. */
type SsmLink = AwsLink<SsmSdk, SSMClient>;

/** Makes links to Parameter Store; the one place that loads its SDK. */
export const ssmLink: (options: AwsLinkOptions) => SsmLink = awsLinks<SsmSdk, SSMClient>({
  title: 'AWS Parameter Store',
  provider: SSM,
  clientType: 'SSMClient',
  load: packageLoader(
    { need: 'goldkey/ssm needs the AWS SDK for Systems Manager', name: '@aws-sdk/client-ssm', provider: SSM },
    (createRequire) => createRequire(import.meta.url)('@aws-sdk/client-ssm') as SsmSdk,
    () => import('@aws-sdk/client-ssm'),
  ),
  build: (sdk, config) => new sdk.SSMClient(config as SSMClientConfig),
});

/** One call to Parameter Store, as {@link callAws} does it. */
export function callSsm<T>(
  link: SsmLink,
  call: SsmCall,
  send: AwsSend<SsmSdk, SSMClient, T>,
  options: AwsCallOptions<T>,
): Promise<T> {
  return callAws(link, send, (error) => ssmError(error, call), options);
}
