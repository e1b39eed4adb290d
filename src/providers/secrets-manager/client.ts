import type { SecretsManagerClient, SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { callAws, type AwsCallOptions, type AwsSend } from '../../aws/call.js';
import { awsLinks, type AwsLink, type AwsLinkOptions } from '../../aws/client.js';
import { packageLoader } from '../../util/load-package.js';
import { SECRETS_MANAGER, secretsManagerError, type SecretsManagerCall } from './errors.js';

/** The package, however it was loaded. */
type SecretsManagerSdk = typeof import('@aws-sdk/client-secrets-manager');

/** A way to Secrets Manager that connects when first used. */
export type SecretsManagerLink = AwsLink<SecretsManagerSdk, SecretsManagerClient>;

/** Makes links to Secrets Manager; the one place that loads its SDK. */
export const secretsManagerLink: (options: AwsLinkOptions) => SecretsManagerLink = awsLinks<
  SecretsManagerSdk,
  SecretsManagerClient
>({
  title: 'AWS Secrets Manager',
  provider: SECRETS_MANAGER,
  clientType: 'SecretsManagerClient',
  load: packageLoader(
    {
      need: 'goldkey/secrets-manager needs the AWS SDK for Secrets Manager',
      name: '@aws-sdk/client-secrets-manager',
      provider: SECRETS_MANAGER,
    },
    (createRequire) => createRequire(import.meta.url)('@aws-sdk/client-secrets-manager') as SecretsManagerSdk,
    () => import('@aws-sdk/client-secrets-manager'),
  ),
  build: (sdk, config) => new sdk.SecretsManagerClient(config as SecretsManagerClientConfig),
});

/** One call to Secrets Manager, as {@link callAws} does it: it may be sent again. */
export function callSecretsManager<T>(
  link: SecretsManagerLink,
  call: SecretsManagerCall,
  send: AwsSend<SecretsManagerSdk, SecretsManagerClient, T>,
  options: AwsCallOptions<T>,
): Promise<T> {
  return callAws(link, send, (error) => secretsManagerError(error, call), options);
}

/** What Secrets Manager says of a version that is not there: a label that nothing has is no error. */
export const ABSENT: readonly string[] = ['ResourceNotFoundException'];
