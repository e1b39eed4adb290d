import type { SecretsManagerClient, SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import type { AwsCallOptions } from '../../aws/call.js';
import { awsService, type AwsConnection, type AwsSend, type AwsService } from '../../aws/client.js';
import { packageLoader } from '../../util/load-package.js';
import { SECRETS_MANAGER, SECRETS_MANAGER_ERRORS, type SecretsManagerCall } from './errors.js';

type SecretsManagerSdk = typeof import('@aws-sdk/client-secrets-manager');

/** A connection to Secrets Manager. */
export type SecretsManagerLink = AwsConnection<SecretsManagerSdk, SecretsManagerClient, SecretsManagerCall>;

/** Connects to Secrets Manager. */
export const secretsManagerLink: AwsService<SecretsManagerSdk, SecretsManagerClient, SecretsManagerCall> = awsService({
  errors: SECRETS_MANAGER_ERRORS,
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
  createClient: (sdk, config) => new sdk.SecretsManagerClient(config as SecretsManagerClientConfig),
});

/** Sends a command about one secret. */
export function callSecretsManager<T>(
  link: SecretsManagerLink,
  call: SecretsManagerCall,
  send: AwsSend<SecretsManagerSdk, SecretsManagerClient, T>,
  options: AwsCallOptions<T>,
): Promise<T> {
  return link.call(call, send, options);
}

/** The error for a version that is not there: a label that no version has is not an error. */
export const ABSENT: readonly string[] = ['ResourceNotFoundException'];
